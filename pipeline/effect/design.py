"""What could be seen, and when: the smallest detectable change of a design, from the athlete's own noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from pipeline.effect.gls import Array, Noise, assumed_noise, fit_noise
from pipeline.effect.season import UNIT_MIN_PER_WEEK, Season, build_season, yearly_wave
from pipeline.effect.verdict import DETECTABLE_SE
from pipeline.exposure import HALF_LIFE_DAYS, decayed_weekly
from pipeline.schedule import (
    PLANNED_MIN_PER_WEEK,
    Schedules,
    draw_schedules,
    planned_dose,
    staggered_schedules,
)
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
# SD of true effects between athletes, log units per 45 min/week.
TRUE_SD = 0.10
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
    half_life_days: float = HALF_LIFE_DAYS,
) -> Preview:
    """Every design of `AS_NOW` and BLOCKS_WEEKS for each of WEEKS.

    2.8 standard errors of the dose's coefficient in the model of the answer, from the information that the
    design's own dose and the athlete's fitted noise give; for blocks the median over schedules drawn by lot.
    A design that cannot be fitted has None.
    """
    season = _season(athlete_id, runs, stability, sessions, half_life_days)
    habits = _habits(season)
    detectable: dict[tuple[str, int], float | None] = {}
    for weeks in WEEKS:
        day = habits.run_days(weeks)
        if habits.minutes_are_own:
            log = np.append(season.minutes, np.resize(season.minutes, 7 * weeks))
            dose = decayed_weekly(log, half_life_days)[len(season.minutes) + day]
            detectable[AS_NOW, weeks] = _as_change(_errors(habits.noise, day, dose[:, None]))
        for block_weeks in BLOCKS_WEEKS:
            pairs = math.ceil(weeks / (2 * block_weeks))
            schedules = draw_schedules(2 * pairs, _DRAWS, np.random.default_rng([weeks, block_weeks]))
            errors = _errors(habits.noise, day, habits.doses(schedules, block_weeks, day, half_life_days))
            detectable[f"blocks of {block_weeks} weeks", weeks] = _as_change(errors)
    return Preview(
        habits.noise,
        habits.noise_is_own,
        habits.runs_per_week,
        habits.minutes_per_week,
        habits.minutes_are_own,
        detectable,
    )


def preview_staggered(
    athlete_ids: Sequence[str],
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
) -> Mapping[int, float | None]:
    """The smallest common change that the pooled answer of these athletes would show with 80 % power, as a
    fraction, by weeks of staggered starts; None with fewer than two athletes.

    Each athlete's error is the mean over the starts that may be dealt; true effects are taken to differ
    between athletes by an SD of TRUE_SD. The pooled error has t on one degree of freedom less than there are
    athletes.
    """
    k = len(athlete_ids)
    if k < 2:
        return dict.fromkeys(WEEKS)
    every = [_habits(_season(athlete_id, runs, stability, sessions)) for athlete_id in athlete_ids]
    needed = float(special.stdtrit(k - 1, 0.975) + special.stdtrit(k - 1, 0.8))
    detectable: dict[int, float | None] = {}
    for weeks in WEEKS:
        schedules = staggered_schedules(k, weeks)
        information = 0.0
        for habits in every:
            day = habits.run_days(weeks)
            errors = _errors(habits.noise, day, habits.doses(schedules, 1, day))
            if errors:
                information += 1 / (float(np.mean(np.square(errors))) + TRUE_SD**2)
        detectable[weeks] = 1 - math.exp(-needed / math.sqrt(information)) if information else None
    return detectable


@dataclass(frozen=True, slots=True)
class _Habits:
    """How an athlete runs and works, from the own season where it says so."""

    noise: Noise
    noise_is_own: bool
    runs_per_week: float
    minutes_per_week: float
    minutes_are_own: bool

    def run_days(self, weeks: int) -> NDArray[np.int64]:
        """Days of the runs of so many weeks like these."""
        return np.floor(np.arange(int(weeks * self.runs_per_week)) * 7 / self.runs_per_week).astype(np.int64)

    def doses(
        self,
        schedules: Schedules,
        block_weeks: int,
        day: NDArray[np.int64],
        half_life_days: float = HALF_LIFE_DAYS,
    ) -> Array:
        """Dose [min/week] at those runs under each schedule (m, n_blocks): (n_runs, m)."""
        dose = planned_dose(schedules, block_weeks, day, half_life_days)
        return dose * (self.minutes_per_week / PLANNED_MIN_PER_WEEK)


def _season(
    athlete_id: str,
    runs: pl.DataFrame,
    stability: pl.DataFrame,
    sessions: pl.DataFrame,
    half_life_days: float = HALF_LIFE_DAYS,
) -> Season:
    own_runs, own_log = (table.filter(pl.col("athlete_id") == athlete_id) for table in (runs, sessions))
    return build_season(athlete_id, own_runs, stability, own_log, half_life_days)


def _habits(season: Season) -> _Habits:
    own_noise = None
    if season.n_runs >= MIN_RUNS_FOR_NOISE:
        columns = np.column_stack([season.nuisance(smooth=True), season.dose])
        own_noise = fit_noise(season.days, season.technical, columns, season.scatter)
    own_minutes = _minutes_when_working(season)
    return _Habits(
        noise=own_noise or assumed_noise(ASSUMED_SD, ASSUMED_TAU_DAYS, ASSUMED_DRIFT_SHARE),
        noise_is_own=own_noise is not None,
        runs_per_week=season.n_runs / season.weeks if own_noise else ASSUMED_RUNS_PER_WEEK,
        minutes_per_week=own_minutes or ASSUMED_MINUTES,
        minutes_are_own=own_minutes is not None,
    )


def _minutes_when_working(season: Season) -> float | None:
    """Median minutes of the weeks with balance work; None without any."""
    weeks = len(season.minutes) // 7
    weekly = season.minutes[: 7 * weeks].reshape(weeks, 7).sum(axis=1)
    return float(np.median(weekly[weekly > 0])) if (weekly > 0).any() else None


def _errors(noise: Noise, day: NDArray[np.int64], doses: Array) -> list[float]:
    """Standard error of the dose's coefficient for each of the doses (n, m) [min/week] that can be fitted."""
    days = day.astype(float)
    weekend = (day % 7 >= 5).astype(float)
    nuisance = np.column_stack([np.ones(len(days)), days - days.mean(), weekend, yearly_wave(days)])
    errors = [noise.standard_error(days, dose / UNIT_MIN_PER_WEEK, nuisance) for dose in doses.T]
    return [error for error in errors if error is not None]


def _as_change(errors: list[float]) -> float | None:
    """The change that 2.8 of the median standard error come to."""
    return 1 - math.exp(-DETECTABLE_SE * float(np.median(errors))) if errors else None
