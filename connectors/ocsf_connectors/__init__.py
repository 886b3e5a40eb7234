"""Connectors: one source of records, one file; each knows `ocsf_pipe.source` and `ocsf_pipe.errors` only."""
