"""From logged balance sessions to a dose: what was done, day by day, and how much of it still counts."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pipeline.exposure import HALF_LIFE_DAYS, daily_minutes, decayed_weekly
from pipeline.tables import BalanceSessions, DataFrame, Dose


def derive_dose(
    sessions: DataFrame[BalanceSessions], *, until: date, half_life_days: float = HALF_LIFE_DAYS
) -> DataFrame[Dose]:
    """Minutes and decayed weekly dose of every day from each athlete's first logged day to `until`.

    `dose` [min/week] is 7 times the exponentially weighted mean of daily minutes up to the day before
    (half-life [days]; 21 is declared in advance, see docs/methods.md). Steady 45 minutes a week come to
    a dose of 45. Days before the log are unknown but counted as zero here: within about one half-life of
    the log's start the dose is too low, which is why `effect` leaves those runs out.
    """
    frames = []
    for (athlete_id,), log in sessions.filter(pl.col("date") <= until).group_by("athlete_id"):
        first = min(log["date"].to_list())
        minutes = daily_minutes(log, first, until)
        frames.append(
            pl.DataFrame(
                {
                    "athlete_id": [athlete_id] * len(minutes),
                    "date": pl.date_range(first, until, eager=True),
                    "minutes": minutes,
                    "dose": np.maximum(decayed_weekly(minutes, half_life_days), 0.0),
                }
            )
        )
    if not frames:
        return Dose.create_empty()
    return Dose.validate(pl.concat(frames).sort("athlete_id", "date"))
