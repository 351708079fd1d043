"""Reads an export with DuckDB, pandas and Polars and prints what each of them found as one line of JSON."""

import json
import sys
from pathlib import Path

import duckdb
import pandas
import polars

root = Path(sys.argv[1])
events = str(root / "events" / "*.parquet")
completed = root / "types" / "task.execution-completed"


def with_duckdb():
    by_type = duckdb.sql(f"select event_type, count(*) from '{events}' group by 1").fetchall()
    lines, streams, first = duckdb.sql(
        f"select sum(lines_added), count(distinct stream), epoch_us(min(time)) from '{completed}/*.parquet'"
    ).fetchall()[0]
    titles = duckdb.sql(
        f"select count(*) from '{events}' where event_type = 'task.created.v1' and data ->> '$.title' is not null"
    ).fetchall()[0][0]
    joined = duckdb.sql(
        f"""select count(*) from '{root}/types/task.created/*.parquet' created
            join '{completed}/*.parquet' completed using (stream) where completed.position > created.position"""
    ).fetchall()[0][0]
    return {
        "types": dict(by_type), "lines": int(lines), "streams": streams, "first": first, "titles": titles, "joined": joined,
    }


def with_pandas():
    frame = pandas.concat([pandas.read_parquet(file) for file in sorted((root / "events").glob("*.parquet"))])
    assert list(frame["position"]) == sorted(frame["position"])
    table = pandas.concat([pandas.read_parquet(file) for file in sorted(completed.glob("*.parquet"))])
    created = frame[frame["event_type"] == "task.created.v1"]
    return {
        "types": frame.groupby("event_type").size().to_dict(),
        "lines": int(table["lines_added"].sum()),
        "streams": int(table["stream"].nunique()),
        "first": int(table["time"].min().value // 1000) if table["time"].dt.unit == "ns" else int(table["time"].astype("int64").min()),
        "titles": int(sum("title" in json.loads(data) for data in created["data"])),
        "joined": None,
    }


def with_polars():
    frame = polars.scan_parquet(events)
    table = polars.scan_parquet(str(completed / "*.parquet"))
    by_type = frame.group_by("event_type").len().collect()
    figures = table.select(
        polars.col("lines_added").sum(), polars.col("stream").n_unique(), polars.col("time").min().dt.epoch("us")
    ).collect().row(0)
    titles = frame.filter(polars.col("event_type") == "task.created.v1").select(
        polars.col("data").str.json_path_match("$.title").is_not_null().sum()
    ).collect().item()
    return {
        "types": dict(by_type.iter_rows()), "lines": figures[0], "streams": figures[1], "first": figures[2], "titles": titles,
        "joined": None,
    }


print(json.dumps({"duckdb": with_duckdb(), "pandas": with_pandas(), "polars": with_polars()}, default=int))
