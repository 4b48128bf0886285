"""Tracks and grids in whole steps, as the analysis of a run hands them over, from their tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from pipeline.columns import steps_per_unit
from pipeline.rounded import Numbers, RoundedGrid, RoundedTrack
from pipeline.tables import Grid, Track
from pipeline.workspace.packs import JOINED

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def round_track(table: pl.DataFrame) -> RoundedTrack:
    """A Track of one run, less what is joined to it when it is loaded."""
    first, elapsed_s = table.head(1), table["elapsed_s"].to_numpy()
    starts = [row["timestamp"] - timedelta(seconds=row["elapsed_s"]) for row in first.iter_rows(named=True)]
    names = [name for name in steps_per_unit(Track) if name not in JOINED]
    codes = [table[name].to_physical().to_numpy() for name in ("gait", "cadence_flag")]
    return RoundedTrack(_name(table), (starts or [_EPOCH])[0], elapsed_s, _numbers(table, names), *codes)


def round_grid(table: pl.DataFrame) -> RoundedGrid:
    """A Grid of one run."""
    return RoundedGrid(_name(table), _numbers(table, list(steps_per_unit(Grid))))


def _name(table: pl.DataFrame) -> str:
    return str(table["run_id"][0]) if len(table) else ""


def _numbers(table: pl.DataFrame, names: list[str]) -> Numbers:
    return Numbers.of({name: table[name].to_numpy().astype(np.float64) for name in names})
