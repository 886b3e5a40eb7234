"""Tools for those who write mappings and connectors: golden samples, and events as OCSF words them."""
