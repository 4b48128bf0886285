"""The plan's own test: size, power, and when a cause may be named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from pipeline.effect import HEADLINE, relate_effect
from pipeline.effect.randomisation import PlanTest, examine_plan
from pipeline.effect.season import build_season
from pipeline.effect.words import write_plan
from pipeline.exposure import decayed_weekly
from pipeline.schedule import draw_schedules
from pipeline.tables import DataFrame, Plans, Runs
from tests.simulate import START, SimulatedSeason, make_tables

BEFORE_DAYS = 28


def a_planned_season(
    seed: int, beta: float, *, n_blocks: int = 12, block_weeks: int = 3, followed: bool = True
) -> tuple[SimulatedSeason, DataFrame[Plans]]:
    """Runs every other day through a plan drawn by lot, with drift and noise; `beta` per 45 min/week."""
    rng = np.random.default_rng(seed)
    (schedule,) = draw_schedules(n_blocks, 1, rng)
    n_days = 7 * n_blocks * block_weeks
    weeks: NDArray[np.float64] = np.repeat(schedule, block_weeks).astype(float)
    if not followed:
        weeks = 1 - weeks
    daily = np.zeros(BEFORE_DAYS + n_days)
    daily[BEFORE_DAYS:] = np.where(np.arange(n_days) % 7 < 3, 15.0, 0.0) * np.repeat(weeks, 7)
    day = np.arange(BEFORE_DAYS, BEFORE_DAYS + n_days, 2)
    drift = np.zeros(len(day))
    for i in range(1, len(day)):
        drift[i] = 0.9 * drift[i - 1] + 0.03 * rng.standard_normal()
    effect = beta * decayed_weekly(daily, 21.0)[day] / 45
    y = effect + drift + 0.08 * rng.standard_normal(len(day))
    smooth = 0.08 * rng.standard_normal(len(day))
    start = START + timedelta(days=BEFORE_DAYS)
    plan = {
        "athlete_id": "sim",
        "start": start,
        "block_weeks": block_weeks,
        "schedule": "".join("1" if on else "0" for on in schedule),
        "seed": seed,
        "drawn_at": datetime(start.year, start.month, start.day, tzinfo=UTC) - timedelta(days=2),
    }
    plans = Plans.validate(pl.DataFrame([plan], schema=Plans.create_empty().schema))
    return SimulatedSeason(*make_tables(day, np.exp(y), np.exp(smooth), daily), beta, effect), plans


def examine(season: SimulatedSeason, plans: DataFrame[Plans]) -> PlanTest | None:
    built = build_season("sim", season.runs, season.stability, season.sessions, 21.0)
    return examine_plan(built, plans, 21.0)


def p_of(seed: int, beta: float, **options: Any) -> float:
    test = examine(*a_planned_season(seed, beta, **options))
    assert test is not None
    assert test.p is not None
    return test.p


def test_the_lot_holds_its_size() -> None:
    """In 60 plans without an effect p is under 0.05 at most 8 times (3 expected)."""
    assert sum(p_of(seed, 0.0) < 0.05 for seed in range(60)) <= 8


def test_a_large_effect_is_found() -> None:
    """A change of 40 % over 36 weeks is found in at least 9 of 12 plans, and as steadier."""
    tests = [examine(*a_planned_season(seed, np.log(0.6))) for seed in range(12)]
    assert sum(test is not None and test.allows_because and test.correlation < 0 for test in tests) >= 9


def test_six_blocks_cannot_reach_five_percent() -> None:
    """With 20 schedules even a huge effect has p of 0.05 or more, and the answer says why."""
    season, plans = a_planned_season(1, -2.0, n_blocks=6, block_weeks=6)
    test = examine(season, plans)
    assert test is not None
    assert test.n_schedules == 20
    assert not test.can_reach_5_percent
    assert test.p is not None
    assert test.p >= 0.05
    effects = relate_effect(season.runs, season.stability, season.sessions, plans)
    assert "Only 20 schedules could have been drawn" in effects.filter(outcome=HEADLINE)["sentence"][0]


def test_because_is_said_after_a_plan_that_was_kept_to() -> None:
    """A clear effect under a plan drawn by lot and kept to names the cause, in the headline alone."""
    season, plans = a_planned_season(3, -0.7)
    effects = relate_effect(season.runs, season.stability, season.sessions, plans)
    row = effects.filter(outcome=HEADLINE).row(0, named=True)
    assert row["plan_p"] < 0.05
    assert "because of the balance work" in row["sentence"]
    assert "association" not in row["sentence"]
    others = effects.filter(pl.col("outcome") != HEADLINE)
    assert not any("because" in sentence for sentence in others["sentence"])


def test_without_the_plan_the_same_runs_name_no_cause() -> None:
    """The lot makes the difference, not the runs."""
    season, _ = a_planned_season(3, -0.7)
    effects = relate_effect(season.runs, season.stability, season.sessions)
    assert effects["plan_p"].null_count() == 5
    assert "association" in effects.filter(outcome=HEADLINE)["sentence"][0]


def test_a_plan_that_was_not_kept_to_names_no_cause() -> None:
    """Doing the opposite of the plan is an association at best, and the share of weeks is said."""
    season, plans = a_planned_season(3, -0.7, followed=False)
    test = examine(season, plans)
    assert test is not None
    assert test.followed == 0
    sentence = relate_effect(season.runs, season.stability, season.sessions, plans)["sentence"][0]
    assert "because" not in sentence
    assert "kept to in 0 % of its weeks" in sentence


def test_before_its_end_a_plan_is_not_tested() -> None:
    """Half way there is no p, only the day on which there will be one."""
    season, plans = a_planned_season(3, -0.7)
    half = replace(season, runs=Runs.validate(season.runs.head(60)))
    test = examine(half, plans)
    assert test is not None
    assert not test.is_over
    assert test.p is None
    assert f"runs until {test.until}" in write_plan("So it is.", "cannot tell yet", test)


def test_without_a_plan_there_is_no_test() -> None:
    """No plan, or none that has begun."""
    season, plans = a_planned_season(3, 0.0)
    assert examine(season, Plans.create_empty()) is None
    later = plans.with_columns(start=pl.lit(START + timedelta(days=5000)))
    assert examine(season, Plans.validate(later)) is None


@pytest.mark.parametrize("verdict", ["cannot tell yet", "less steady with more balance work"])
def test_the_lot_and_the_answer_must_agree(verdict: str) -> None:
    """Where the answer cannot tell, or says the opposite, a small p of the lot names no cause."""
    test = PlanTest(START, True, 400, 1.0, 0.01, -0.5)
    assert "because" not in write_plan("So it is.", verdict, test)
    assert "because" in write_plan("So it is.", "steadier with more balance work", test)
