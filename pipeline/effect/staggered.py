"""The test that staggered starts bring with them: would another dealing of the starts have fitted as well?

Everybody's planned dose, kept to or not, is correlated with the own whitened runs, as for one athlete's plan;
then the starts are dealt out among the athletes again, as often as they can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import permutations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.effect.randomisation import FOLLOWED, REDRAWS, fit_schedules, share_followed
from pipeline.effect.season import Season, build_season
from pipeline.effect.verdict import ALPHA
from pipeline.exposure import HALF_LIFE_DAYS
from pipeline.schedule import count_arrangements, is_one_start
from pipeline.tables import BalanceSessions, DataFrame, Plans, Runs, Stability

# All arrangements of so many athletes are gone through; of more, some are drawn.
_ENUMERATED_ATHLETES = 6


@dataclass(frozen=True, slots=True)
class StaggerTest:
    """What became of the latest staggered starts that had begun by the last run."""

    athlete_ids: tuple[str, ...]  # those whose runs can be fitted
    until: date
    is_over: bool
    n_arrangements: int
    followed: float  # share of all their weeks so far that were kept to
    p: float | None  # None until it is over, or with fewer than two athletes
    correlation: float  # mean over the athletes; below 0 is steadier

    @property
    def can_reach_5_percent(self) -> bool:
        """Whether there are arrangements enough."""
        return 1 / self.n_arrangements <= ALPHA

    @property
    def allows_because(self) -> bool:
        """Whether a cause may be named."""
        return self.p is not None and self.p < ALPHA and self.followed >= FOLLOWED


def examine_staggered(
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
    plans: DataFrame[Plans],
) -> StaggerTest | None:
    """The own test of the latest staggered starts of the roster; None where there are none that have begun.

    The p value is two-sided; the true arrangement counts among those that could have been dealt: all of them
    with up to six athletes, else 1,999 drawn anew.
    """
    last_run = max(runs["local_date"].to_list(), default=None)
    staggered = [
        plan
        for plan in plans.sort("start", "drawn_at", "athlete_id").iter_rows(named=True)
        if last_run is not None and plan["start"] <= last_run and is_one_start(plan["schedule"])
    ]
    if last_run is None or not staggered:
        return None
    latest = staggered[-1]
    together = [
        plan for plan in staggered if all(plan[name] == latest[name] for name in ("start", "drawn_at"))
    ]
    seasons = []
    for plan in together:
        own = (table.filter(pl.col("athlete_id") == plan["athlete_id"]) for table in (runs, sessions))
        own_runs, own_log = own
        seasons.append(build_season(plan["athlete_id"], own_runs, stability, own_log, HALF_LIFE_DAYS))
    schedules = np.array([[letter == "1" for letter in plan["schedule"]] for plan in together])
    return _test(seasons, schedules, latest, last_run)


def _test(
    seasons: list[Season], schedules: NDArray[np.bool_], plan: dict[str, Any], last_run: date
) -> StaggerTest:
    start, weeks = plan["start"], schedules.shape[1]
    until = start + timedelta(days=7 * weeks - 1)
    is_over = last_run > until - timedelta(days=7)
    fitted = [
        (n, fits)
        for n, season in enumerate(seasons)
        if season.first_run is not None
        and season.log_start is not None
        and (fits := fit_schedules(season, start, 1, schedules, HALF_LIFE_DAYS)) is not None
    ]
    who = [n for n, _ in fitted]
    followed = [share_followed(seasons[n], start, schedules[n], last_run) for n in who]
    p, observed = None, 0.0
    if len(who) >= 2:
        # One row an athlete, one column a start: those who cannot be fitted take theirs out of the lot.
        table = np.array([fits[who] for _, fits in fitted])
        observed = float(np.trace(table))
        if is_over:
            p = _p(table, np.random.default_rng([plan["seed"], 1]))
    return StaggerTest(
        athlete_ids=tuple(seasons[n].athlete_id for n in who),
        until=until,
        is_over=is_over,
        n_arrangements=count_arrangements([int(schedules[n].argmax()) for n in who]),
        followed=float(np.mean(followed)) if followed else 0.0,
        p=p,
        correlation=observed / max(len(who), 1),
    )


def _p(table: NDArray[np.float64], rng: np.random.Generator) -> float:
    """Share of the dealings, the true one counted, whose sum is at least as far from zero."""
    k = len(table)
    if k <= _ENUMERATED_ATHLETES:
        dealt = np.array(list(permutations(range(k))))
    else:
        dealt = rng.permuted(np.tile(np.arange(k), (REDRAWS, 1)), axis=1)
        dealt = np.vstack([np.arange(k), dealt])
    reference = np.abs(table[np.arange(k), dealt].sum(axis=1))
    return float(np.mean(reference >= abs(np.trace(table)) - 1e-12))
