"""Detection: Sigma rules over the lake, through the mappings read backwards."""
