"""The test that a drawn plan brings with it: would another draw have fitted the runs as well?

The dose is that of the *planned* schedule, kept to or not (intention to treat), so that nothing the runner
chose can enter. Runs are whitened with the drift that they show without the dose, then the schedules that
could have been drawn compete by their partial correlation (Edgington & Onghena 2007, Randomization Tests).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.effect.gls import fit_noise, whiten
from pipeline.effect.permutation import partial_correlation
from pipeline.effect.season import Season
from pipeline.effect.verdict import ALPHA
from pipeline.schedule import (
    PLANNED_MIN_PER_WEEK,
    Schedules,
    count_schedules,
    draw_schedules,
    every_schedule,
    is_one_start,
    planned_dose,
)

ENUMERATED = 2000
REDRAWS = 1999
# A week is kept to with at least half the planned minutes, or at most a quarter of them in a week without.
LEAST_SHARE_ON, MOST_SHARE_OFF = 0.5, 0.25
FOLLOWED = 0.8


@dataclass(frozen=True, slots=True)
class PlanTest:
    """What became of the latest plan that had begun by the last run."""

    until: date
    is_over: bool
    n_schedules: int
    followed: float  # share of its weeks so far that were kept to
    p: float | None  # None until it is over, or where the runs cannot be fitted
    correlation: float  # of the whitened outcome with the planned dose; below 0 is steadier

    @property
    def can_reach_5_percent(self) -> bool:
        """Whether there are schedules enough: a schedule and its mirror image fit about equally well."""
        return 2 / self.n_schedules <= ALPHA

    @property
    def allows_because(self) -> bool:
        """Whether a cause may be named."""
        return self.is_over and self.followed >= FOLLOWED and self.p is not None and self.p < ALPHA


def examine_plan(season: Season, plans: pl.DataFrame, half_life_days: float) -> PlanTest | None:
    """The own test of the latest plan of blocks; None without runs or a plan that had begun by the last run.

    The p value is two-sided, the drawn schedule counted among those that could have been drawn: all of
    them up to 2,000, else 1,999 drawn anew.
    """
    if season.first_run is None or season.log_start is None:
        return None
    last_run = season.first_run + timedelta(days=int(season.days[-1]))
    begun = [
        plan
        for plan in plans.filter(pl.col("start") <= last_run).sort("start").iter_rows(named=True)
        if not is_one_start(plan["schedule"])
    ]
    if not begun:
        return None
    plan = begun[-1]
    schedule = np.array([letter == "1" for letter in plan["schedule"]])
    n_weeks = len(schedule) * plan["block_weeks"]
    until = plan["start"] + timedelta(days=7 * n_weeks - 1)
    is_over = last_run > until - timedelta(days=7)
    test = PlanTest(
        until=until,
        is_over=is_over,
        n_schedules=count_schedules(len(schedule)),
        followed=share_followed(season, plan["start"], np.repeat(schedule, plan["block_weeks"]), last_run),
        p=None,
        correlation=0.0,
    )
    return _with_p(test, season, plan, schedule, half_life_days) if is_over else test


def share_followed(season: Season, start: date, on: NDArray[np.bool_], last_run: date) -> float:
    """Share of the plan's whole weeks up to the last run that were kept to, by the log."""
    assert season.log_start is not None
    weeks = min(((last_run - start).days + 1) // 7, len(on))
    if weeks == 0:
        return 1.0
    day = (start - season.log_start).days + np.arange(7 * weeks)
    inside = (day >= 0) & (day < len(season.minutes))
    minutes = np.where(inside, season.minutes[np.clip(day, 0, len(season.minutes) - 1)], 0.0)
    weekly = minutes.reshape(weeks, 7).sum(axis=1)
    kept = np.where(
        on[:weeks],
        weekly >= LEAST_SHARE_ON * PLANNED_MIN_PER_WEEK,
        weekly <= MOST_SHARE_OFF * PLANNED_MIN_PER_WEEK,
    )
    return float(kept.mean())


def _with_p(
    test: PlanTest,
    season: Season,
    plan: dict[str, object],
    schedule: NDArray[np.bool_],
    half_life_days: float,
) -> PlanTest:
    start, block_weeks, seed = plan["start"], plan["block_weeks"], plan["seed"]
    assert isinstance(start, date)
    assert isinstance(block_weeks, int)
    assert isinstance(seed, int)
    enumerated = test.n_schedules <= ENUMERATED
    others = (
        every_schedule(len(schedule))
        if enumerated
        else draw_schedules(len(schedule), REDRAWS, np.random.default_rng([seed, 1]))
    )
    fits = fit_schedules(season, start, block_weeks, np.vstack([schedule, others]), half_life_days)
    if fits is None:
        return test
    observed, reference = fits[0], np.abs(fits[1:])
    as_good = np.sum(reference >= abs(observed) - 1e-12)
    p = as_good / len(reference) if enumerated else (1 + as_good) / (1 + len(reference))
    return replace(test, p=float(min(p, 1.0)), correlation=float(observed))


def fit_schedules(
    season: Season, start: date, block_weeks: int, schedules: Schedules, half_life_days: float
) -> NDArray[np.float64] | None:
    """Partial correlation of the whitened runs between `start` and the plan's end with the planned dose of
    each of the schedules (m, n_blocks): (m,). None where the runs cannot be fitted."""
    assert season.first_run is not None
    day = season.days.astype(np.int64) + (season.first_run - start).days
    inside = (day >= 0) & (day < 7 * block_weeks * schedules.shape[1])
    nuisance = season.nuisance(smooth=True)[inside]
    scatter = season.scatter[inside]
    noise = fit_noise(season.days[inside], season.technical[inside], nuisance, scatter)
    if noise is None:
        return None
    dose = planned_dose(schedules, block_weeks, day[inside], half_life_days)
    tau, share = noise.likeliest()
    white, _ = whiten(
        season.days[inside],
        np.column_stack([season.technical[inside], nuisance, dose]),
        np.array([tau]),
        np.array([share]),
        scatter,
    )
    y, beside, doses = np.split(white[0], [1, 1 + nuisance.shape[1]], axis=1)
    return partial_correlation(y[:, 0], doses, beside)
