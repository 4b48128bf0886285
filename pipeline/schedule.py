"""The rules by which plans are drawn: blocks of weeks with and without balance work, as many of each, for one
athlete; a start of balance work in a week of one's own for each athlete of a roster.

A plan and its test share one rule: a randomisation test holds only where the schedules that could have been
drawn are those that it draws again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.exposure import decayed_weekly

Schedules = NDArray[np.bool_]

# A longer stretch of one kind cannot be told from a trend.
MAX_EQUAL = 3
PLANNED_MIN_PER_WEEK = 45.0


@cache
def count_schedules(n_blocks: int) -> int:
    """How many schedules of `n_blocks` (even) can be drawn."""

    @cache
    def rest(on: int, off: int, last: bool, run: int) -> int:
        if on == off == 0:
            return 1
        total = 0
        for kind, left in ((True, on), (False, off)):
            length = run + 1 if kind == last else 1
            if left and length <= MAX_EQUAL:
                total += rest(on - kind, off - (not kind), kind, length)
        return total

    half = n_blocks // 2
    return rest(half, half, True, 0)


def every_schedule(n_blocks: int) -> Schedules:
    """All of them: (count_schedules(n_blocks), n_blocks), True where there is balance work."""
    half = n_blocks // 2
    found: list[tuple[bool, ...]] = [()]
    for _ in range(n_blocks):
        found = [
            (*schedule, kind)
            for schedule in found
            for kind in (True, False)
            if schedule.count(kind) < half and schedule[-MAX_EQUAL:] != (kind,) * MAX_EQUAL
        ]
    return np.array([schedule for schedule in found if schedule], dtype=bool).reshape(-1, n_blocks)


def draw_schedules(n_blocks: int, count: int, rng: np.random.Generator) -> Schedules:
    """`count` schedules, each of those allowed as likely as any other: (count, n_blocks)."""
    base = np.arange(n_blocks) % 2 == 0
    kept: list[Schedules] = []
    while sum(map(len, kept)) < count:
        drawn = rng.permuted(np.tile(base, (4 * count, 1)), axis=1)
        stretch = np.ones(len(drawn), dtype=np.int64)
        longest = stretch
        for block in range(1, n_blocks):
            stretch = np.where(drawn[:, block] == drawn[:, block - 1], stretch + 1, 1)
            longest = np.maximum(longest, stretch)
        kept.append(drawn[longest <= MAX_EQUAL])
    return np.concatenate(kept)[:count]


def planned_dose(
    schedules: Schedules, block_weeks: int, run_day: NDArray[np.int64], half_life_days: float
) -> NDArray[np.float64]:
    """Dose [min/week] at each run if each schedule (m, n_blocks) is kept to: (n_runs, m).

    `run_day` (n_runs,) counts from the plan's first day. Weeks with balance work have 45 minutes.
    """
    minutes = np.repeat(schedules.T, 7 * block_weeks, axis=0).astype(np.float64) * PLANNED_MIN_PER_WEEK / 7
    return decayed_weekly(minutes, half_life_days)[run_day]


def staggered_schedules(n_athletes: int, weeks: int) -> Schedules:
    """Schedules of weeks to be dealt out among athletes by lot: (n_athletes, weeks), True from the start on.

    Starts are spread evenly over the middle half of the weeks, so that everyone has weeks of both kinds.
    """
    starts = np.round(np.linspace(weeks / 4, 3 * weeks / 4, n_athletes)).astype(int)
    return np.asarray(np.arange(weeks) >= starts[:, None])


def count_arrangements(starts: Sequence[int]) -> int:
    """In how many ways these starts (some may be equal) can be dealt out, one to each athlete."""
    return math.factorial(len(starts)) // math.prod(map(math.factorial, Counter(starts).values()))


def is_one_start(schedule: str) -> bool:
    """Whether a plan's letters are those of a staggered start: blocks never have so many alike in a row."""
    off = schedule.find("1")
    return MAX_EQUAL < off < len(schedule) - MAX_EQUAL and "0" not in schedule[off:]
