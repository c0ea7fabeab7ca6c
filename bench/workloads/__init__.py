"""Five made data sets whose truth is known. bench/generate_workloads.py writes them; columns.py says what their columns are."""
