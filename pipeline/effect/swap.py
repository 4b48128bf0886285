"""The roster's second test: would another athlete's log have fitted as well?"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.effect.gls import Array
from pipeline.effect.permutation import partial_correlation
from pipeline.effect.season import Season, build_season
from pipeline.exposure import HALF_LIFE_DAYS, decayed_weekly
from pipeline.tables import BalanceSessions, DataFrame, Runs, Stability

SWAPS = 4999
# A log that hardly changes about its trend says nothing, whoever's it is.
LEAST_CONTRAST = 0.02


def swap_logs(
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
    *,
    seed: int = 0,
) -> float | None:
    """Two-sided p of the mean partial correlation over athletes, logs swapped between them 4,999 times.

    Logs keep their calendar, so that what everybody's season has in common stays in common; days outside a
    log repeat it. None with fewer than two athletes who have runs and a log.
    """
    seasons = [
        build_season(
            athlete_id,
            runs.filter(pl.col("athlete_id") == athlete_id),
            stability,
            sessions.filter(pl.col("athlete_id") == athlete_id),
            HALF_LIFE_DAYS,
        )
        for athlete_id in sorted(sessions["athlete_id"].unique())
    ]
    seasons = [season for season in seasons if (season.contrast or 0) >= LEAST_CONTRAST]
    if len(seasons) < 2:
        return None
    fits = np.array([_fits(season, seasons) for season in seasons])
    k = len(seasons)
    orders = np.random.default_rng(seed).permuted(np.tile(np.arange(k), (SWAPS, 1)), axis=1)
    observed = abs(np.trace(fits))
    reference = np.abs(fits[np.arange(k), orders].sum(axis=1))
    return float((1 + np.sum(reference >= observed - 1e-12)) / (1 + SWAPS))


def _fits(season: Season, others: list[Season]) -> Array:
    """Partial correlation of the season's outcome with the dose of each of the logs: (len(others),)."""
    doses = np.column_stack([_borrowed_dose(season, other) for other in others])
    return partial_correlation(season.technical, doses, season.nuisance(smooth=True))


def _borrowed_dose(season: Season, other: Season) -> Array:
    """The dose at the season's runs by the other's log, on the calendar."""
    assert season.log_start is not None
    assert other.log_start is not None
    if other is season:
        return season.dose
    first = (season.log_start - other.log_start).days
    day = (first + np.arange(len(season.minutes))) % len(other.minutes)
    return decayed_weekly(other.minutes[day], HALF_LIFE_DAYS)[season.run_day]
