"""From logged balance sessions to a dose: what was done, day by day, and how much of it still counts."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pipeline.drills import uncounted
from pipeline.exposure import HALF_LIFE_DAYS, daily_minutes, decayed_weekly
from pipeline.tables import BalanceSessions, DataFrame, Dose, DoseByCategory


def derive_dose(
    sessions: DataFrame[BalanceSessions], *, until: date, half_life_days: float = HALF_LIFE_DAYS
) -> DataFrame[Dose]:
    """Minutes and decayed weekly dose of every day from each athlete's first logged day to `until`.

    `dose` [min/week] is 7 times the exponentially weighted mean of daily minutes up to the day before
    (half-life [days]; 21 is declared in advance, see docs/methods.md). Steady 45 minutes a week come to
    a dose of 45. Days before the log are unknown but counted as zero here: within about one half-life of
    the log's start the dose is too low, which is why `effect` leaves those runs out.
    """
    frames = [
        _by_day(log, min(log["date"].to_list()), until, half_life_days).with_columns(
            athlete_id=pl.lit(athlete_id)
        )
        for (athlete_id,), log in sessions.filter(pl.col("date") <= until).group_by("athlete_id")
    ]
    table = pl.concat([Dose.create_empty(), *frames], how="diagonal")
    return Dose.cast(table.sort("athlete_id", "date"))


def derive_dose_by_category(
    sessions: DataFrame[BalanceSessions], *, until: date, half_life_days: float = HALF_LIFE_DAYS
) -> DataFrame[DoseByCategory]:
    """The parts of `derive_dose`: of every day, each category of drills that count and are in the log."""
    known = sessions.filter(pl.col("date") <= until)
    frames = []
    for (athlete_id,), log in known.group_by("athlete_id"):
        first = min(log["date"].to_list())
        counted = log.filter(~pl.col("drill").is_in(uncounted()))
        frames += [
            _by_day(part, first, until, half_life_days).with_columns(
                athlete_id=pl.lit(athlete_id), category=pl.lit(category)
            )
            for (category,), part in counted.group_by("category")
        ]
    table = pl.concat([DoseByCategory.create_empty(), *frames], how="diagonal")
    return DoseByCategory.cast(table.sort("athlete_id", "date", "category"))


def _by_day(log: pl.DataFrame, first: date, until: date, half_life_days: float) -> pl.DataFrame:
    """Minutes and dose of every day from `first` to `until`."""
    minutes = daily_minutes(log, first, until)
    return pl.DataFrame(
        {
            "date": pl.date_range(first, until, eager=True),
            "minutes": minutes,
            "dose": np.maximum(decayed_weekly(minutes, half_life_days), 0.0),
        }
    )
