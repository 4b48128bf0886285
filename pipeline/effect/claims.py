"""Further claims of the training advice, each asked as the answer is, and corrected for asking several.

Declared here and nowhere else: descents, climbs, late in the run, and sets without a wobble.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.effect.gls import Fit, fit_gls
from pipeline.effect.season import METRIC, Season, build_season
from pipeline.effect.verdict import MIN_CONTRAST, MIN_RUNS, as_change
from pipeline.exposure import HALF_LIFE_DAYS, decayed_weekly
from pipeline.tables import BalanceSessions, Claims, DataFrame, Runs, Stability

# Half of what a run needs to count: of one direction there is less.
MIN_WINDOWS = 6
LATE_METRIC = "cadence_cv_late_change"
# Share of clean sets that the last claim's change is quoted for.
CLEAN_UNIT = 0.25


def relate_claims(
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
    half_lives_days: Mapping[str, float] = {},
) -> DataFrame[Claims]:
    """Per athlete the claims that 30 runs or more and enough contrast can say something of.

    The first three have the answer's model, with unsteadiness of technical descents, of technical climbs,
    and late against early in the run as outcome. The last has the answer's outcome, and beside the dose the
    share of sets without a wobble as exposure, decayed as the dose is. `p_adjusted` is that of Benjamini &
    Hochberg (1995, doi 10.1111/j.2517-6161.1995.tb02031.x) over the athlete's claims. `half_lives_days` has
    the half-life of the dose of those athletes who set one.
    """
    from scipy.stats import false_discovery_control  # costs a second and 35 MB, which most processes can save

    rows: list[dict[str, Any]] = []
    for athlete_id in sorted(sessions["athlete_id"].unique()):
        own_runs, own_log = (table.filter(pl.col("athlete_id") == athlete_id) for table in (runs, sessions))
        half_life_days = half_lives_days.get(athlete_id, HALF_LIFE_DAYS)
        found = list(_fits(athlete_id, own_runs, stability, own_log, half_life_days))
        adjusted = list(false_discovery_control([fit.p for _, fit, _ in found])) if found else []
        for (claim, fit, n_runs), p_adjusted in zip(found, adjusted, strict=True):
            low, high = fit.interval()
            rows.append(
                {
                    "athlete_id": athlete_id,
                    "claim": claim,
                    "estimate": as_change(fit.estimate),
                    "low": as_change(low),
                    "high": as_change(high),
                    "p": fit.p,
                    "p_adjusted": float(p_adjusted),
                    "n_runs": n_runs,
                }
            )
    return Claims.validate(pl.DataFrame(rows, schema=Claims.create_empty().schema))


def _fits(
    athlete_id: str,
    runs: pl.DataFrame,
    stability: pl.DataFrame,
    sessions: pl.DataFrame,
    half_life_days: float,
) -> Iterator[tuple[str, Fit, int]]:
    """Claim, its fit and the runs it rests on."""
    is_technical = pl.col("terrain").cast(pl.String) == "technical"
    smooth = stability.filter(~is_technical)
    for claim, metric, direction in (
        ("technical descents", METRIC, "down"),
        ("technical climbs", METRIC, "up"),
        ("late in the run", LATE_METRIC, "all"),
    ):
        asked = stability.filter(
            is_technical,
            pl.col("metric") == metric,
            pl.col("direction").cast(pl.String) == direction,
            pl.col("n_windows") >= MIN_WINDOWS,
        ).with_columns(
            # A season takes logs; a change is one of a ratio.
            value=pl.col("value") + (1.0 if metric == LATE_METRIC else 0.0),
            metric=pl.lit(METRIC),
            direction=pl.lit("all").cast(stability.schema["direction"]),
        )
        season = build_season(athlete_id, runs, pl.concat([smooth, asked]), sessions, half_life_days)
        if season.n_runs >= MIN_RUNS and (season.contrast or 0.0) >= MIN_CONTRAST:
            beside = season.nuisance(smooth=metric == METRIC)
            fit = fit_gls(season.days, season.technical, season.dose, beside, season.scatter)
            if fit is not None:
                yield claim, fit, season.n_runs
    season = build_season(athlete_id, runs, stability, sessions, half_life_days)
    clean = _clean_share(season, sessions, half_life_days)
    known = np.isfinite(clean)
    if known.sum() >= MIN_RUNS:
        beside = np.column_stack([season.nuisance(smooth=True), season.dose])[known]
        fit = fit_gls(
            season.days[known],
            season.technical[known],
            clean[known] / CLEAN_UNIT,
            beside,
            season.scatter[known],
        )
        if fit is not None:
            yield "sets without a wobble", fit, int(known.sum())


def _clean_share(season: Season, sessions: pl.DataFrame, half_life_days: float) -> NDArray[np.float64]:
    """Share of sets without a wobble up to the day before each run, decayed as the dose is; NaN before the
    first entry that says."""
    told = sessions.filter(pl.col("sets") > 0, pl.col("clean_sets").is_not_null())
    if season.log_start is None or told.is_empty() or not season.n_runs:
        return np.full(season.n_runs, np.nan)
    day = (told["date"] - season.log_start).dt.total_days().to_numpy()
    decayed = []
    for column in ("clean_sets", "sets"):
        daily = np.zeros(len(season.minutes))
        inside = day < len(daily)
        np.add.at(daily, day[inside], told[column].to_numpy()[inside].astype(float))
        decayed.append(decayed_weekly(daily, half_life_days)[season.run_day])
    clean, sets = decayed
    return np.where(sets > 0, clean / np.where(sets > 0, sets, 1.0), np.nan)
