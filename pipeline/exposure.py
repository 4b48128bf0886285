"""From a log's days to the decayed dose: the one definition that `balance` and `effect` share."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.drills import uncounted

HALF_LIFE_DAYS = 21.0


def daily_minutes(sessions: pl.DataFrame, first: date, until: date) -> NDArray[np.float64]:
    """Balance minutes [min] of each day from `first` to `until`, both included: shape (days,).

    Drills that the catalogue does not count (mobility) add none; their day is logged all the same.
    """
    sessions = sessions.filter(~pl.col("drill").is_in(uncounted()))
    offset = (sessions["date"] - first).dt.total_days().to_numpy()
    within = (offset >= 0) & (offset <= (until - first).days)
    minutes = np.zeros((until - first).days + 1)
    np.add.at(minutes, offset[within], sessions["minutes"].to_numpy()[within])
    return minutes


def decayed_weekly(minutes: NDArray[np.float64], half_life_days: float) -> NDArray[np.float64]:
    """Decayed weekly minutes [min/week] up to the day before, along the first axis (days).

    E(t) = k E(t-1) + (1-k) 7 m(t) with k = 2^(-1/half-life), from zero; day t is given E(t-1), so
    that a day's own session never explains the same day's run. Same shape as `minutes`.
    """
    from scipy.signal import lfilter  # costs half a second, which most commands can save

    keep = 2.0 ** (-1.0 / half_life_days)
    through_today = lfilter([7.0 * (1.0 - keep)], [1.0, -keep], minutes, axis=0)
    dose = np.zeros_like(minutes, dtype=float)
    dose[1:] = through_today[:-1]
    return dose
