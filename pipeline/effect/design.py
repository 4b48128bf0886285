"""What could be seen, and when: the smallest detectable change of a design, from the athlete's own noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.effect.gls import Array, Noise, assumed_noise, fit_noise
from pipeline.effect.season import UNIT_MIN_PER_WEEK, Season, build_season
from pipeline.effect.verdict import DETECTABLE_SE
from pipeline.exposure import HALF_LIFE_DAYS, decayed_weekly
from pipeline.schedule import PLANNED_MIN_PER_WEEK, draw_schedules, planned_dose
from pipeline.tables import BalanceSessions, DataFrame, Runs, Stability

WEEKS = (16, 26, 39, 52)
BLOCKS_WEEKS = (2, 4, 6)
AS_NOW = "as now"
# Fewer runs say too little about their own drift; then these figures of simulated runners stand in.
MIN_RUNS_FOR_NOISE = 20
ASSUMED_SD, ASSUMED_TAU_DAYS, ASSUMED_DRIFT_SHARE = 0.12, 45.0, 0.4
ASSUMED_RUNS_PER_WEEK = 4.0
# Three sessions of 20 minutes, as the training advice has it.
ASSUMED_MINUTES = 60.0
_DRAWS = 40


@dataclass(frozen=True, slots=True)
class Preview:
    """The smallest change seen with 80 % power under each design, and what that rests on."""

    noise: Noise
    noise_is_own: bool
    runs_per_week: float
    minutes_per_week: float  # in weeks with balance work
    minutes_are_own: bool
    detectable: Mapping[tuple[str, int], float | None]  # by (design, weeks), as a fraction


def preview_designs(
    athlete_id: str,
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
) -> Preview:
    """Every design of `AS_NOW` and BLOCKS_WEEKS for each of WEEKS.

    2.8 standard errors of the dose's coefficient in the model of the answer, from the information that the
    design's own dose and the athlete's fitted noise give; for blocks the median over schedules drawn by lot.
    A design that cannot be fitted has None.
    """
    own_runs, own_log = (table.filter(pl.col("athlete_id") == athlete_id) for table in (runs, sessions))
    season = build_season(athlete_id, own_runs, stability, own_log, HALF_LIFE_DAYS)
    own_noise = None
    if season.n_runs >= MIN_RUNS_FOR_NOISE:
        columns = np.column_stack([season.nuisance(smooth=True), season.dose])
        own_noise = fit_noise(season.days, season.technical, columns, season.scatter)
    noise = own_noise or assumed_noise(ASSUMED_SD, ASSUMED_TAU_DAYS, ASSUMED_DRIFT_SHARE)
    runs_per_week = season.n_runs / season.weeks if own_noise else ASSUMED_RUNS_PER_WEEK
    own_minutes = _minutes_when_working(season)
    minutes = own_minutes or ASSUMED_MINUTES
    detectable: dict[tuple[str, int], float | None] = {}
    for weeks in WEEKS:
        day = np.floor(np.arange(int(weeks * runs_per_week)) * 7 / runs_per_week).astype(np.int64)
        if own_minutes is not None:
            log = np.append(season.minutes, np.resize(season.minutes, 7 * weeks))
            dose = decayed_weekly(log, HALF_LIFE_DAYS)[len(season.minutes) + day]
            detectable[AS_NOW, weeks] = _detectable(noise, day, dose[:, None])
        for block_weeks in BLOCKS_WEEKS:
            pairs = math.ceil(weeks / (2 * block_weeks))
            schedules = draw_schedules(2 * pairs, _DRAWS, np.random.default_rng([weeks, block_weeks]))
            doses = planned_dose(schedules, block_weeks, day, HALF_LIFE_DAYS)
            doses *= minutes / PLANNED_MIN_PER_WEEK
            detectable[f"blocks of {block_weeks} weeks", weeks] = _detectable(noise, day, doses)
    return Preview(noise, own_noise is not None, runs_per_week, minutes, own_minutes is not None, detectable)


def _minutes_when_working(season: Season) -> float | None:
    """Median minutes of the weeks with balance work; None without any."""
    weeks = len(season.minutes) // 7
    weekly = season.minutes[: 7 * weeks].reshape(weeks, 7).sum(axis=1)
    return float(np.median(weekly[weekly > 0])) if (weekly > 0).any() else None


def _detectable(noise: Noise, day: np.ndarray[tuple[int], np.dtype[np.int64]], doses: Array) -> float | None:
    """Median over the doses (n, m) [min/week] of the change that 2.8 standard errors come to."""
    days = day.astype(float)
    nuisance = np.column_stack([np.ones(len(days)), days - days.mean(), (day % 7 >= 5).astype(float)])
    errors = [noise.standard_error(days, dose / UNIT_MIN_PER_WEEK, nuisance) for dose in doses.T]
    known = [error for error in errors if error is not None]
    return 1 - math.exp(-DETECTABLE_SE * float(np.median(known))) if known else None
