"""Read-only views of a study: tables, plots, the report."""
