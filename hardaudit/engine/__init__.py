"""SQL over tables: typed virtual tables in SQLite, run read-only and within bounds, with the gaps that each query met."""
