"""What season, weekend, watch and smooth ground leave over: a picture beside the answer, never the answer."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from pipeline.effect.gls import Array, independent_columns
from pipeline.effect.season import UNIT_MIN_PER_WEEK, build_season
from pipeline.exposure import HALF_LIFE_DAYS
from pipeline.tables import BalanceSessions, DataFrame, Runs, Stability

_COLUMNS = {"local_date": pl.Date, "dose_left": pl.Float64, "change_left": pl.Float64}


def derive_leftover(
    athlete_id: str,
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
) -> pl.DataFrame:
    """An added-variable plot's points (Cook & Weisberg 1982), one row per run that enters the answer.

    `local_date`; `dose_left` [min/week] and `change_left` (fraction, below 0 is steadier): dose and technical
    unsteadiness with everything taken out by least squares that the answer's model takes out. The plain line
    through them has the slope that the model has with independent errors. No rows without runs and a log.
    """
    season = build_season(athlete_id, runs, stability, sessions, HALF_LIFE_DAYS)
    columns = independent_columns(season.nuisance(smooth=True))
    if season.first_run is None or season.n_runs <= columns.shape[1]:
        return pl.DataFrame(schema=_COLUMNS)
    q, _ = np.linalg.qr(columns)

    def left(values: Array) -> Array:
        return values - q @ (q.T @ values)

    return pl.DataFrame(
        {
            "local_date": [season.first_run + timedelta(days=int(day)) for day in season.days],
            "dose_left": UNIT_MIN_PER_WEEK * left(season.dose),
            "change_left": np.expm1(left(season.technical)),
        }
    )
