"""Any public table out of the workspace into one file, streamed, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import polars as pl
import pyarrow.parquet as pq

from pipeline.errors import SurefootError
from pipeline.tables import PUBLIC, Channels, DataFrame
from pipeline.workspace import Workspace, put_atomic

FORMATS = ("csv", "parquet", "json")


def export_table(workspace: Workspace, table: str, format_: str, out: Path, athlete_id: str | None) -> int:
    """Write a table of `tables.PUBLIC` to `out`; gives the number of rows.

    Tracks, channels and grids go run by run, so that memory does not grow with their number. Raises
    SurefootError where `out` cannot be written.
    """
    if not out.parent.is_dir():
        raise SurefootError(f"there is no folder {out.parent}", "make it first, or name another with --out")
    counted = _Counted(_frames(workspace, table, athlete_id))
    put_atomic(out, lambda file: _WRITERS[format_](file, counted))
    return counted.rows


class _Counted:
    """The frames, and how many rows went by."""

    def __init__(self, frames: Iterator[pl.DataFrame]) -> None:
        self._frames = frames
        self.rows = 0

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for frame in self._frames:
            self.rows += len(frame)
            yield frame


def _frames(workspace: Workspace, table: str, athlete_id: str | None) -> Iterator[pl.DataFrame]:
    """The table in parts, at least one, so that an empty table has its header."""
    yield PUBLIC[table].create_empty()
    athletes = workspace.athletes() if athlete_id is None else [athlete_id]
    if table == "track":
        for athlete in athletes:
            for _, track in workspace.load_tracks(workspace.load_runs(athlete)["run_id"].to_list()):
                yield track
    elif table == "channels":
        for athlete in athletes:
            for run_id in workspace.load_runs(athlete)["run_id"]:
                yield _long(run_id, workspace.load_channels(run_id))
    elif table == "grid":
        for athlete in athletes:
            yield workspace.load_grid(athlete)
    else:
        yield getattr(workspace, f"load_{table}")(athlete_id)


def _long(run_id: str, channels: pl.DataFrame) -> DataFrame[Channels]:
    """One run's channels, a row each second and channel that has a value."""
    long = channels.unpivot(index="elapsed_s", variable_name="channel").drop_nulls("value")
    return Channels.cast(long.select(pl.lit(run_id).alias("run_id"), pl.all()).sort("elapsed_s", "channel"))


def _write_csv(file: IO[bytes], frames: _Counted) -> None:
    for n, frame in enumerate(frames):
        frame.write_csv(file, include_header=n == 0)


def _write_parquet(file: IO[bytes], frames: _Counted) -> None:
    writer: Any = None
    for frame in frames:
        plain = frame.with_columns(pl.col(pl.Enum).cast(pl.String)).to_arrow(
            compat_level=pl.CompatLevel.oldest()
        )
        writer = writer or pq.ParquetWriter(file, plain.schema, compression="zstd")
        writer.write_table(plain)
    writer.close()


def _write_json(file: IO[bytes], frames: _Counted) -> None:
    separator = b"["
    for frame in frames:
        for row in frame.iter_rows(named=True):
            file.write(separator + json.dumps(row, default=str, ensure_ascii=False).encode())
            separator = b",\n"
    file.write(b"[]" if separator == b"[" else b"]\n")


_WRITERS = {"csv": _write_csv, "parquet": _write_parquet, "json": _write_json}
