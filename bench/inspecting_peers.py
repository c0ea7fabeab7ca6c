"""Describes every column of a CSV file with another tool, on two threads.

    python bench/inspecting_peers.py duckdb|polars FILE
"""

import sys


def duckdb(path):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    query = f"SUMMARIZE SELECT * FROM read_csv_auto('{path}')"
    return len(connection.execute(query).fetchall())


def polars(path):
    """Counts, distinct values, extremes, moments and quartiles in one streaming query."""
    import polars as pl

    frame = pl.scan_csv(path, infer_schema_length=10_000)
    wanted = []
    for name, kind in frame.collect_schema().items():
        column = pl.col(name)
        wanted += [
            column.null_count().alias(f"{name} nulls"),
            column.approx_n_unique().alias(f"{name} distinct"),
            column.min().alias(f"{name} min"),
            column.max().alias(f"{name} max"),
        ]
        if kind.is_numeric():
            wanted += [column.mean().alias(f"{name} mean"), column.std().alias(f"{name} deviation")]
            wanted += [column.quantile(share).alias(f"{name} {share}") for share in (0.25, 0.5, 0.75)]
    return frame.select(wanted).collect(engine="streaming").width


print({"duckdb": duckdb, "polars": polars}[sys.argv[1]](sys.argv[2]))
