"""What a recording holds beyond the track's columns: running dynamics, power, developer fields."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from pipeline.numeric import Integers, longest_rise, resample
from pipeline.tables import Records


def derive_channels(
    records: pl.DataFrame, start_time: datetime, elapsed_s: Integers, *, max_gap_s: float = 3.0
) -> pl.DataFrame | None:
    """The further numbers of `records` on the track's seconds, None where there are none.

    One row per second since `start_time`: `elapsed_s`, then each channel under its own name, as float32;
    linear between samples at most 3 s apart, null elsewhere. Texts and arrays are left out.
    """
    core = Records.column_names()
    further = [
        column
        for column in records.get_columns()
        if column.name not in core and column.dtype == pl.Float64 and column.null_count() < len(column)
    ]
    if not further:
        return None
    time_s = records["timestamp"].dt.epoch("us").cast(pl.Float64).to_numpy() / 1e6 - start_time.timestamp()
    inside = np.flatnonzero((time_s > -1) & (time_s < elapsed_s[-1] + 1))
    forward = inside[longest_rise(time_s[inside])]
    on_seconds = {
        column.name: resample(time_s[forward], column.to_numpy()[forward], elapsed_s, max_gap_s)
        for column in further
    }
    numbers = pl.DataFrame(on_seconds).select(pl.all().fill_nan(None).cast(pl.Float32))
    return numbers.select(pl.Series("elapsed_s", elapsed_s), pl.all())
