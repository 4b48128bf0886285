"""The log is held against the plan week by week, and the next step is one sentence."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.adherence import Thresholds, count_weeks_in_plan, derive_adherence
from pipeline.errors import SurefootError
from pipeline.tables import BalanceSessions, DataFrame

MONDAY = date(2026, 1, 5)
ENOUGH = 20.0


def log_of(*entries: dict[str, Any]) -> DataFrame[BalanceSessions]:
    """A log: each entry with its `day` after the first Monday; 20 minutes of a plank where not said."""
    rows = [
        {"session_id": str(n), "athlete_id": "ada", "drill": "plank", "category": "core", "minutes": ENOUGH}
        | {key: value for key, value in entry.items() if key != "day"}
        | {"date": MONDAY + timedelta(days=entry["day"])}
        for n, entry in enumerate(entries)
    ]
    return BalanceSessions.validate(pl.DataFrame(rows, schema=BalanceSessions.create_empty().schema))


def weeks_of(*entries: dict[str, Any], until: int = 6, **thresholds: float) -> list[dict[str, Any]]:
    """The weeks of such a log up to a day after the first Monday."""
    plan = Thresholds.of(thresholds)
    return derive_adherence(
        log_of(*entries), until=MONDAY + timedelta(days=until), thresholds=plan
    ).to_dicts()


def days(*which: int, **values: Any) -> list[dict[str, Any]]:
    return [{"day": day, **values} for day in which]


def test_a_week_in_plan_by_hand() -> None:
    """Two sessions of 20 minutes in the first week, every set clean, are in plan in every respect."""
    (week,) = weeks_of(*days(0, 2, sets=4, clean_sets=4))
    assert week == {
        "athlete_id": "ada",
        "week": MONDAY,
        "n_sessions": 2,
        "minutes": 40.0,
        "minutes_per_session": 20.0,
        "clean_share": 1.0,
        "sessions_in_plan": True,
        "rest_in_plan": True,
        "minutes_in_plan": True,
        "progress_in_plan": None,
        "clean_in_plan": True,
        "reasons": "",
        "next_step": "Go on like this: 2 to 3 sessions of 16 to 21 minutes a week.",
    }


def test_two_drills_of_a_day_are_one_session() -> None:
    """A session is a day: its drills' minutes add up."""
    (week,) = weeks_of(*days(0, 0, 3, minutes=9.0))
    assert (week["n_sessions"], week["minutes"], week["minutes_per_session"]) == (2, 27.0, 13.5)


def test_mobility_and_empty_days_are_no_session() -> None:
    """Drills that do not count, and entries of no minutes, make no session."""
    (week,) = weeks_of(*days(0), {"day": 1, "drill": "ankle circles"}, {"day": 2, "minutes": 0.0})
    assert week["n_sessions"] == 1


@pytest.mark.parametrize(("n", "in_plan"), [(1, False), (2, True), (3, True), (4, False)])
def test_two_to_three_sessions(n: int, in_plan: bool) -> None:
    """Fewer than two sessions and more than three are out of the plan."""
    (week,) = weeks_of(*days(*range(0, 2 * n, 2)[:n]))
    assert week["sessions_in_plan"] is in_plan
    assert (f"{n} of 2 to 3 sessions" in week["reasons"]) is not in_plan


def test_a_week_that_is_not_over_is_not_blamed() -> None:
    """On Wednesday one session is not too few yet, and the next step says how many are missing."""
    (week,) = weeks_of(*days(0), until=2)
    assert week["sessions_in_plan"] is None
    assert week["next_step"] == "Do 1 more session of 15 to 20 minutes this week."


@pytest.mark.parametrize(
    ("first", "second", "gap", "rested"),
    [
        ({"rpe": 7.0}, {"rpe": 7.0}, 1, False),
        ({"rpe": 7.0}, {"rpe": 7.0}, 2, True),
        ({"rpe": 7.0}, {"rpe": 6.5}, 1, True),
        ({"minutes": 25.0}, {"minutes": 25.0}, 1, False),
        ({"minutes": 25.0}, {"minutes": 24.0}, 1, True),
        ({"rpe": 7.0}, {"minutes": 25.0}, 1, False),
    ],
)
def test_a_day_of_rest_between_intense_sessions(
    first: dict[str, Any], second: dict[str, Any], gap: int, rested: bool
) -> None:
    """From rpe 7 or 25 minutes on a session is intense, and the next such may not be the day after."""
    (week,) = weeks_of({"day": 0, **first}, {"day": gap, **second})
    assert week["rest_in_plan"] is rested
    assert ("rest" in week["next_step"]) is not rested


def test_rest_reaches_over_the_weekend() -> None:
    """Sunday and Monday in a row are blamed on the later week."""
    before, after = weeks_of(*days(6, 7, rpe=8.0), until=13)
    assert (before["rest_in_plan"], after["rest_in_plan"]) == (True, False)


def test_sessions_are_to_grow() -> None:
    """20 minutes are in plan at first and too short after eight weeks; 28 are right then."""
    weeks = weeks_of(*days(0, 2, 56, 58), *days(63, 65, minutes=28.0), until=69)
    assert [weeks[n]["minutes_in_plan"] for n in (0, 4, 8, 9)] == [True, None, False, True]
    assert "20 of 25 to 30 minutes a session" in weeks[8]["reasons"]
    assert Thresholds().minutes_range(4) == (20, 25)


def test_holds_are_to_grow() -> None:
    """The mean hold of four weeks above that of the four before is progress; equal ones are none."""
    flat = [{"day": 7 * n, "hold_s": 30.0} for n in range(8)]
    grown = [{"day": 7 * n, "hold_s": 30.0 + n} for n in range(8)]
    assert [week["progress_in_plan"] for week in weeks_of(*flat, until=55)] == [None] * 4 + [False] * 4
    assert [week["progress_in_plan"] for week in weeks_of(*grown, until=55)] == [None] * 4 + [True] * 4


def test_progress_is_of_the_same_drill() -> None:
    """A harder drill with shorter holds is no step back: it has nothing to be compared with."""
    rows = [
        {"day": 7 * n, "hold_s": 60.0 if n < 4 else 20.0, "drill": "plank" if n < 4 else "foam"}
        for n in range(8)
    ]
    assert weeks_of(*rows, until=55)[-1]["progress_in_plan"] is None


def test_clean_sets() -> None:
    """Sets without a wobble are shared out of those told; no wobbles at all make all sets clean."""
    (week,) = weeks_of(
        {"day": 0, "sets": 4, "clean_sets": 1}, {"day": 2, "sets": 4, "wobbles": 0}, {"day": 4, "sets": 9}
    )
    assert week["clean_share"] == pytest.approx(5 / 8)
    assert week["clean_in_plan"] is False
    assert week["next_step"] == "Stay with these drills until 80% of the sets are without a wobble."


def test_the_plan_is_the_athletes_own() -> None:
    """A threshold that is set changes the week's verdict."""
    assert weeks_of(*days(0, 2, 4, 6))[0]["sessions_in_plan"] is False
    assert weeks_of(*days(0, 2, 4, 6), sessions_max=4)[0]["sessions_in_plan"] is True


@pytest.mark.parametrize(
    ("thresholds", "says"),
    [
        ({"sesions_min": 2}, "no setting 'sesions_min'"),
        ({"clean_share": 1.5}, "clean_share cannot be 1.5"),
        ({"rest_days": -1}, "rest_days cannot be -1"),
        ({"grow_weeks": float("nan")}, "grow_weeks cannot be nan"),
        ({"sessions_min": 4}, "sessions_min would be above sessions_max"),
    ],
)
def test_a_plan_that_is_none_is_refused(thresholds: dict[str, float], says: str) -> None:
    """Unknown names, values out of bounds and ranges upside down are refused with what would do."""
    with pytest.raises(SurefootError, match=says) as refusal:
        Thresholds.of(thresholds)
    assert refusal.value.advice


def test_weeks_without_a_session_are_shown() -> None:
    """After the first logged day no week is left out, and nothing before it is shown."""
    weeks = weeks_of(*days(9), until=30)
    assert [week["week"] for week in weeks] == [MONDAY + timedelta(days=7 * n) for n in (1, 2, 3, 4)]
    assert [week["n_sessions"] for week in weeks] == [1, 0, 0, 0]


def test_weeks_without_by_lot_are_kept_to_by_doing_nothing() -> None:
    """In the second and third week the plan drawn by lot has none: none is right, one is too many."""
    pause = {MONDAY + timedelta(days=day) for day in range(7, 21)}
    log = log_of(*days(0, 2, 14, 22, 24))
    weeks = derive_adherence(log, until=MONDAY + timedelta(days=27), without=pause).to_dicts()
    assert [week["sessions_in_plan"] for week in weeks] == [True, True, False, True]
    assert [week["reasons"] for week in weeks][:3] == ["", "", "1 of no sessions"]
    assert weeks[0]["next_step"] == (
        "Do no balance work before 2026-01-26, as the plan drawn by lot says, and run as usual."
    )
    assert weeks[2]["next_step"].startswith("Do 2 to 3 sessions")
    until = MONDAY + timedelta(days=27)
    assert count_weeks_in_plan(log, until=until, thresholds=Thresholds(), without=pause) == (3, 4)


def test_a_week_half_in_a_pause_is_held_to_the_usual_plan() -> None:
    """A pause that begins on a Wednesday says nothing of that week."""
    pause = {MONDAY + timedelta(days=day) for day in range(2, 14)}
    first, second = derive_adherence(
        log_of(*days(0)), until=MONDAY + timedelta(days=13), without=pause
    ).to_dicts()
    assert (first["sessions_in_plan"], second["sessions_in_plan"]) == (False, True)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"day": st.integers(0, 60), "minutes": st.floats(0, 600)},
            optional={
                "rpe": st.floats(0, 10),
                "sets": st.integers(0, 9),
                "wobbles": st.integers(0, 9),
                "hold_s": st.floats(0, 600),
                "reps": st.integers(0, 30),
            },
        )
    )
)
def test_no_minute_is_lost(entries: list[dict[str, Any]]) -> None:
    """The weeks hold every minute of the log once, and each has one sentence of what is next."""
    weeks = weeks_of(*entries, until=60)
    assert sum(week["minutes"] for week in weeks) == pytest.approx(sum(e["minutes"] for e in entries))
    assert all(week["next_step"].endswith(".") and week["next_step"].count(". ") == 0 for week in weeks)
