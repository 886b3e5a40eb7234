"""Detection: rules in Sigma and SQL over the lake, through the mappings read backwards; what they find."""
