"""Logged minutes become a dose that builds up and decays as stated."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.balance import derive_dose, derive_dose_by_category
from pipeline.tables import BalanceSessions, DataFrame
from tests.simulate import START, make_log


def until(days: int) -> date:
    return START + timedelta(days=days)


def test_one_session_by_hand() -> None:
    """With a half-life of one day, 10 minutes give half of 70 a week the day after, then a quarter."""
    dose = derive_dose(make_log(np.array([10.0])), until=until(3), half_life_days=1)
    assert dose["dose"].to_list() == pytest.approx([0, 35, 17.5, 8.75])
    assert dose["minutes"].to_list() == [10, 0, 0, 0]


def test_a_day_is_not_dosed_by_itself() -> None:
    """A session counts from the day after it."""
    assert derive_dose(make_log(np.array([45.0])), until=until(0))["dose"].to_list() == [0]


def test_two_sessions_of_a_day_add_up() -> None:
    """Minutes of one day are summed over drills."""
    log = make_log(np.array([10.0]))
    twice = BalanceSessions.validate(pl.concat([log, log.with_columns(session_id=pl.lit("other"))]))
    assert derive_dose(twice, until=until(0))["minutes"].to_list() == [20]


def test_steady_work_tends_to_its_weekly_minutes() -> None:
    """The same minutes every day come to 7 times as many a week; after one half-life to half of that."""
    dose = derive_dose(make_log(np.full(400, 6.0)), until=until(399))["dose"]
    assert dose[21] == pytest.approx(21.0)
    assert dose[399] == pytest.approx(42.0, rel=1e-4)


def test_the_dose_halves_in_a_half_life() -> None:
    """After the last session the dose falls by half every half-life."""
    dose = derive_dose(make_log(np.array([30.0])), until=until(50), half_life_days=14)["dose"]
    assert dose[15] / dose[1] == pytest.approx(0.5)


def test_sessions_after_the_end_are_left_out() -> None:
    """The table stops at the day asked for, and a log that starts later has no rows."""
    log = make_log(np.full(10, 5.0))
    assert derive_dose(log, until=until(4)).height == 5
    assert derive_dose(log, until=until(-1)).height == 0


def test_an_empty_log_has_no_dose() -> None:
    """Nothing logged is an empty table, not an error."""
    assert derive_dose(BalanceSessions.create_empty(), until=START).height == 0


def test_athletes_are_kept_apart() -> None:
    """Each athlete's dose starts at their own first day and rests on their own log."""
    both = BalanceSessions.validate(
        pl.concat([make_log(np.array([10.0]), "a"), make_log(np.array([0.0, 20.0]), "b")])
    )
    dose = derive_dose(both, until=until(2), half_life_days=1)
    assert dose.filter(pl.col("athlete_id") == "a")["dose"].to_list() == pytest.approx([0, 35, 17.5])
    assert dose.filter(pl.col("athlete_id") == "b")["dose"].to_list() == pytest.approx([0, 0, 70])


@settings(deadline=None)
@given(st.lists(st.floats(0, 600), min_size=1, max_size=80), st.floats(1, 60))
def test_the_recursion_equals_the_weighted_sum(minutes: list[float], half_life: float) -> None:
    """The dose equals the closed form: 7 (1-k) times the sum of k^(days ago - 1) minutes."""
    dose = derive_dose(make_log(np.array(minutes)), until=until(len(minutes)), half_life_days=half_life)[
        "dose"
    ]
    k = 0.5 ** (1 / half_life)
    last = sum(7 * (1 - k) * k**ago * m for ago, m in enumerate(reversed(minutes)))
    assert dose[-1] == pytest.approx(last, abs=1e-9)
    assert dose.max() <= 7 * max(minutes) + 1e-9


def of_drills(drills: list[tuple[int, str, str, float]]) -> DataFrame[BalanceSessions]:
    """Sessions: day, drill, its category and minutes. An entry of 0 minutes says that the log was kept."""
    log = make_log(np.zeros(1))
    rows = [
        log.with_columns(
            session_id=pl.lit(str(n)),
            date=pl.lit(START + timedelta(days=day)),
            drill=pl.lit(drill),
            category=pl.lit(category),
            minutes=pl.lit(minutes),
        )
        for n, (day, drill, category, minutes) in enumerate(drills)
    ]
    return BalanceSessions.validate(pl.concat([log, *rows]))


def test_two_categories_by_hand() -> None:
    """With a half-life of one day, 10 minutes of a plank on day 0 and 20 on a board on day 1 stay apart."""
    log = of_drills([(0, "plank", "core", 10.0), (1, "balance board", "unstable surface", 20.0)])
    parts = derive_dose_by_category(log, until=until(2), half_life_days=1)
    assert parts.filter(category="core")["dose"].to_list() == pytest.approx([0, 35, 17.5])
    assert parts.filter(category="unstable surface")["dose"].to_list() == pytest.approx([0, 0, 70])


def test_what_does_not_count_is_no_part() -> None:
    """Ankle circles are mobility, which has no dose and so no rows."""
    parts = derive_dose_by_category(of_drills([(0, "ankle circles", "mobility", 10.0)]), until=until(2))
    assert parts["category"].unique().to_list() == ["unstable surface"]


DRILLS = (("plank", "core"), ("foam", "unstable surface"), ("balancing a broom", "other"))


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(DRILLS), st.floats(0, 120)), max_size=12),
    st.floats(5, 42),
)
def test_the_parts_add_up_to_the_whole(
    entries: list[tuple[int, tuple[str, str], float]], half: float
) -> None:
    """On every day minutes and dose of the categories add up to those in all."""
    log = of_drills([(day, *drill, minutes) for day, drill, minutes in entries])
    whole = derive_dose(log, until=until(41), half_life_days=half)
    parts = derive_dose_by_category(log, until=until(41), half_life_days=half)
    together = parts.group_by("date").agg(pl.sum("minutes", "dose")).sort("date")
    for name in ("minutes", "dose"):
        assert together[name].to_list() == pytest.approx(whole[name].to_list(), abs=1e-9)
