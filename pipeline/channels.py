"""What a recording holds beyond the track's columns: running dynamics, power, developer fields."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from pipeline.columns import numbers_of
from pipeline.numeric import Array, Integers, longest_rise, resample_all
from pipeline.recorded import Samples
from pipeline.tables import Records

STANCE_TIME, STANCE_BALANCE = "stance_time_ms", "stance_time_balance_percent"
DEVELOPER_STANCE_TIME = "ground_time_milliseconds"
DYNAMICS = (STANCE_TIME, STANCE_BALANCE, DEVELOPER_STANCE_TIME)
"""Endings of the channels that steadiness reads."""
MAX_CELLS = 40_000_000
"""A hundred hours of a hundred channels."""
_AT_ONCE = 16
_CORE = frozenset(Records.column_names())


def derive_channels(
    samples: Samples, start_time: datetime, elapsed_s: Integers, *, max_gap_s: float = 3.0
) -> pl.DataFrame | None:
    """The further numbers of the records on the track's seconds, None where there are none.

    One row per second since `start_time`: `elapsed_s`, then each channel under its own name, as float32;
    linear between samples at most 3 s apart, null elsewhere. Texts and arrays are left out, and of channels
    by the hundred the last, where they would hold more than `MAX_CELLS` numbers.
    """
    further = [
        name for name, value in samples.numbers.items() if name not in _CORE and np.isfinite(value).any()
    ]
    if not further:
        return None
    time_s = samples.time_s - start_time.timestamp()
    inside = np.flatnonzero((time_s > -1) & (time_s < elapsed_s[-1] + 1))
    forward = inside[longest_rise(time_s[inside])]
    rows = slice(None) if len(forward) == len(samples) else forward
    found = [pl.Series("elapsed_s", elapsed_s)]
    for first in range(0, min(len(further), MAX_CELLS // len(elapsed_s)), _AT_ONCE):
        recorded = {name: samples.numbers[name][rows] for name in further[first : first + _AT_ONCE]}
        on_seconds = resample_all(time_s[rows], recorded, elapsed_s, max_gap_s)
        found += numbers_of(on_seconds, np.float32).values()
    return pl.DataFrame(found)


def pick_dynamics(channels: pl.DataFrame | None) -> dict[str, Array]:
    """Stance time and the left foot's share of it, second by second, of the channels that have them.

    `stance_time_ms` from the watch itself, else from a developer's field of ground time (Stryd); what no
    foot does, under 100 ms or over 600 ms, is none. `stance_balance` is a fraction, 0.3 to 0.7. NaN where
    not known.
    """
    if channels is None or channels.is_empty():
        return {}  # a run without any, beside one that has some in the same pack
    ground_time = [name for name in channels.columns if name.endswith(DEVELOPER_STANCE_TIME)]
    found = {}
    for name, sources, scale, (low, high) in (
        ("stance_time_ms", [STANCE_TIME, *ground_time], 1.0, (100.0, 600.0)),
        ("stance_balance", [STANCE_BALANCE], 0.01, (0.3, 0.7)),
    ):
        source = next((source for source in sources if source in channels.columns), None)
        if source is not None:
            value = scale * channels[source].to_numpy().astype(np.float64)
            found[name] = np.where((value >= low) & (value <= high), value, np.nan)
    return found
