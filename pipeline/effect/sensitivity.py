"""How the answer leans on the half-life of the dose: a view, never the answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.effect.gls import Fit, fit_gls
from pipeline.effect.permutation import partial_correlation, shuffled_doses
from pipeline.effect.season import UNIT_MIN_PER_WEEK, Season, build_season
from pipeline.effect.verdict import as_change
from pipeline.exposure import HALF_LIFE_DAYS, decayed_weekly
from pipeline.tables import BalanceSessions, DataFrame, Runs, Sensitivity, Stability

HALF_LIVES_DAYS = (10, 14, 21, 28, 42)


def fit_any_response(season: Season) -> Fit | None:
    """The log change from no balance work to 45 weekly minutes kept up, whatever the half-life from 10 to 42
    days, and whether every minute counts alike or more of them bring less: averaged over all ten by what
    the runs say of each. Its interval is wider than the answer's, which holds for one half-life and a
    straight line."""
    doses = [_dose(season, half_life_days) for half_life_days in HALF_LIVES_DAYS]
    flattening = [np.expm1(-dose) / np.expm1(-1) for dose in doses]
    responses = np.column_stack([*doses, *flattening])
    return fit_gls(season.days, season.technical, responses, season.nuisance(smooth=True), season.scatter)


def _dose(season: Season, half_life_days: float) -> NDArray[np.float64]:
    """At each run, in units of 45 min/week."""
    return decayed_weekly(season.minutes, half_life_days)[season.run_day] / UNIT_MIN_PER_WEEK


def vary_half_life(
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
    *,
    seed: int = 0,
) -> DataFrame[Sensitivity]:
    """The headline's model with half-lives of 10 to 42 days, on the same runs as the answer.

    Per athlete and half-life the change per 45 weekly minutes with its interval, and the p value of the
    block permutation corrected for the search: a shuffled log competes with the best of its half-lives
    (max statistic: Westfall & Young 1993), so the smallest p of an athlete is that of the whole search.
    No rows for an athlete whose log and runs cannot be fitted.
    """
    rows: list[dict[str, Any]] = []
    for athlete_id in sorted(runs["athlete_id"].unique()):
        season = build_season(
            athlete_id,
            runs.filter(pl.col("athlete_id") == athlete_id),
            stability,
            sessions.filter(pl.col("athlete_id") == athlete_id),
            HALF_LIFE_DAYS,
        )
        if not season.contrast:
            continue
        nuisance = season.nuisance(smooth=True)
        best, found = np.zeros(0), []
        for half_life_days in HALF_LIVES_DAYS:
            dose = _dose(season, half_life_days)
            fit = fit_gls(season.days, season.technical, dose, nuisance, season.scatter)
            if fit is None:
                continue
            shuffled = shuffled_doses(season.minutes, season.run_day, half_life_days, seed)
            reference = np.abs(partial_correlation(season.technical, shuffled, nuisance))
            best = np.maximum(best, reference) if best.size else reference
            observed = abs(partial_correlation(season.technical, dose[:, None], nuisance)[0])
            found.append((half_life_days, fit, observed))
        for half_life_days, fit, observed in found:
            low, high = fit.interval()
            rows.append(
                {
                    "athlete_id": athlete_id,
                    "half_life_days": half_life_days,
                    "estimate": as_change(fit.estimate),
                    "low": as_change(low),
                    "high": as_change(high),
                    "p": float((1 + np.sum(best >= observed - 1e-12)) / (1 + best.size)),
                }
            )
    return Sensitivity.validate(pl.DataFrame(rows, schema=Sensitivity.create_empty().schema))
