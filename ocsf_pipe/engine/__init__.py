"""A plan run over batches: by DuckDB, and by the reference interpreter that defines what it means."""
