"""Staggered starts of a roster: their own test, and what they could show."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipeline.cli.roster_words import stagger_lines, stagger_preview_lines, staggered_lines
from pipeline.effect import examine_staggered, preview_staggered
from pipeline.effect.staggered import StaggerTest
from pipeline.exposure import decayed_weekly
from pipeline.plan import draw_staggered
from pipeline.tables import BalanceSessions, DataFrame, Plans, Runs, Stability
from tests.simulate import START, make_tables, ou

BEFORE_DAYS, WEEKS = 28, 24
BEGIN = START + timedelta(days=BEFORE_DAYS)
DRAWN = datetime(BEGIN.year, BEGIN.month, BEGIN.day, tzinfo=UTC) - timedelta(days=2)
Roster = tuple[DataFrame[Runs], DataFrame[Stability], DataFrame[BalanceSessions], DataFrame[Plans]]


def a_roster(k: int, seed: int, beta: float, *, followed: bool = True, drift_sd: float = 0.0) -> Roster:
    """Runs every third day of `k` athletes who start when the lot says; what spring does is common to all."""
    rng = np.random.default_rng(seed)
    names = [f"r{i}" for i in range(k)]
    plans = draw_staggered(names, weeks=WEEKS, start=BEGIN, drawn_at=DRAWN, seed=seed)
    parts: list[tuple[pl.DataFrame, ...]] = []
    for name, letters in zip(names, plans["schedule"], strict=True):
        on = np.repeat([letter == "1" for letter in letters], 7)
        minutes = np.zeros(BEFORE_DAYS + len(on))
        done = on if followed else np.zeros_like(on)
        minutes[BEFORE_DAYS:] = np.where(np.arange(len(on)) % 7 < 3, 15.0, 0.0) * done
        day = np.arange(BEFORE_DAYS, len(minutes), 3)
        dose = decayed_weekly(minutes, 21.0)[day] / 45
        spring = -0.15 * (day > BEFORE_DAYS + 7 * WEEKS / 2)
        drift = drift_sd * ou(len(minutes), 20.0, rng)[day] if drift_sd else 0.0
        technical = beta * dose + spring + drift + 0.1 * rng.standard_normal(len(day))
        smooth = 0.08 * rng.standard_normal(len(day))
        runs, stability, log = make_tables(day, np.exp(technical), np.exp(smooth), minutes, name)
        parts.append((runs, stability, log))
    runs, stability, log = (pl.concat(list(tables)) for tables in zip(*parts, strict=True))
    return Runs.validate(runs), Stability.validate(stability), BalanceSessions.validate(log), plans


def examine(*roster: Any) -> StaggerTest:
    test = examine_staggered(*roster)
    assert test is not None
    return test


def test_three_athletes_by_hand() -> None:
    """Of the six ways to deal out three starts a perfect fit is the best one: p is 1/6, and that is said."""
    test = examine(*a_roster(3, 1, -3.0))
    assert test.p == pytest.approx(1 / 6)
    assert (test.n_arrangements, test.can_reach_5_percent) == (6, False)
    assert test.correlation < -0.5
    said = " ".join(" ".join(stagger_lines(test, "steadier with more balance work")).split())
    assert "6 ways only" in said
    assert "because" not in said


def test_the_lot_holds_its_size() -> None:
    """Without an effect, but with a step in spring common to all, p is under 0.05 in 4 of 30 at most."""
    found = [examine(*a_roster(5, seed, 0.0)).p for seed in range(30)]
    assert sum(p is not None and p < 0.05 for p in found) <= 4


def test_a_common_effect_is_found_and_named() -> None:
    """Eight athletes with 40 %: the test sees it, and with an answer that agrees the cause is named."""
    test = examine(*a_roster(8, 3, -0.5))
    assert test.p is not None
    assert test.p < 0.05
    assert test.followed > 0.9
    steadier, none = (
        " ".join(" ".join(stagger_lines(test, verdict)).split())
        for verdict in ("steadier with more balance work", "cannot tell yet")
    )
    assert "steadier because of the balance work" in steadier
    assert "names no cause" in none


def test_starts_not_kept_to_name_no_cause() -> None:
    """Who never starts has not followed, whatever the p."""
    test = examine(*a_roster(8, 3, -0.5, followed=False))
    assert test.followed == pytest.approx(0.5, abs=0.06)
    assert not test.allows_because


def test_before_the_end_there_is_no_p() -> None:
    """Half way the day of the test is told; before the start there is nothing to tell."""
    runs, stability, sessions, plans = a_roster(4, 2, -0.5)
    half = Runs.validate(runs.filter(pl.col("local_date") < BEGIN + timedelta(weeks=WEEKS // 2)))
    test = examine(half, stability, sessions, plans)
    assert (test.is_over, test.p) == (False, None)
    assert f"until {test.until}" in " ".join(stagger_lines(test, "cannot tell yet"))
    none = Runs.validate(runs.filter(pl.col("local_date") < BEGIN))
    assert examine_staggered(none, stability, sessions, plans) is None


def test_an_athlete_without_runs_leaves_the_lot() -> None:
    """Whose runs are missing takes the own start away: five athletes become four, of 24 ways."""
    runs, stability, sessions, plans = a_roster(5, 4, -0.5)
    test = examine(Runs.validate(runs.filter(pl.col("athlete_id") != "r2")), stability, sessions, plans)
    assert test.athlete_ids == ("r0", "r1", "r3", "r4")
    assert test.n_arrangements == len(list(permutations(range(4))))


def test_more_athletes_and_weeks_show_smaller_changes() -> None:
    """What could be seen falls with both, but that the wave costs one start more than a year of runs gives;
    one athlete has nobody to be staggered with."""
    runs, stability, sessions, plans = a_roster(8, 5, 0.0)
    names = plans["athlete_id"].to_list()
    few, many = (preview_staggered(some, runs, stability, sessions) for some in (names[:3], names))
    assert all(few[weeks] > many[weeks] > 0.05 for weeks in many)  # type: ignore[operator]
    assert many[16] > many[26] > many[39] < many[52] < many[16]  # type: ignore[operator]
    alone = preview_staggered(names[:1], runs, stability, sessions)
    assert set(alone.values()) == {None}
    assert "one way only" in " ".join(" ".join(stagger_preview_lines(names[:1], alone)).split())
    lines = staggered_lines(plans.to_dicts(), "calendars")
    assert sum("balance work from" in line for line in lines) == 8
