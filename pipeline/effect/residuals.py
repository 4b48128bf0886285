"""What the answer's model leaves of each run: pictures beside the answer, never the answer."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from pipeline.columns import dtypes
from pipeline.effect.gls import Array, fit_noise, independent_columns, whiten
from pipeline.effect.season import UNIT_MIN_PER_WEEK, Season, build_season
from pipeline.exposure import HALF_LIFE_DAYS
from pipeline.tables import BalanceSessions, DataFrame, Residuals, Runs, Stability


def derive_residuals(
    athlete_id: str,
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
    half_life_days: float = HALF_LIFE_DAYS,
) -> DataFrame[Residuals]:
    """One row for each run that enters the answer of one athlete; none without runs and a log.

    `dose_left` [min/week] and `change_left` are the points of an added-variable plot (Cook & Weisberg 1982):
    dose and technical unsteadiness with everything taken out by least squares that the answer's model takes
    out. The plain line through them has the slope that the model has with independent errors.

    `residual` [SD] is the whitened residual of the whole model, the dose included, with the likeliest drift
    of the grid: how far a run lay from what the columns and the runs before it led to expect. Where the model
    holds these are independent with an SD of 1. Null where no error is left to measure by.
    """
    season = build_season(athlete_id, runs, stability, sessions, half_life_days)
    columns = independent_columns(season.nuisance(smooth=True))
    if season.first_run is None or season.n_runs <= columns.shape[1]:
        return Residuals.create_empty()
    q, _ = np.linalg.qr(columns)

    def left(values: Array) -> Array:
        return values - q @ (q.T @ values)

    table = pl.DataFrame(
        {
            "athlete_id": [athlete_id] * season.n_runs,
            "run_id": season.run_ids,
            "local_date": [season.first_run + timedelta(days=int(day)) for day in season.days],
            "dose_left": UNIT_MIN_PER_WEEK * left(season.dose),
            "change_left": np.expm1(left(season.technical)),
            "residual": _whitened(season, columns),
        },
        schema=dtypes(Residuals),
        nan_to_null=True,
    )
    return Residuals.cast(table)


def _whitened(season: Season, columns: Array) -> Array:
    """Whitened residuals (n_runs,) in SD; NaN where the model explains all or has no degree of freedom."""
    design = independent_columns(np.column_stack([columns, season.dose]))
    noise = fit_noise(season.days, season.technical, design, season.scatter)
    if noise is None:
        return np.full(season.n_runs, np.nan)
    tau_days, share = (np.array([value]) for value in noise.likeliest())
    table = np.column_stack([design, season.technical])
    whitened, _ = whiten(season.days, table, tau_days, share, season.scatter)
    x, y = whitened[0, :, :-1], whitened[0, :, -1]
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return np.asarray(residual / np.sqrt(residual @ residual / (len(y) - x.shape[1])))
