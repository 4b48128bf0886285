"""The plan of a season: log, dose, latent unsteadiness."""

import math
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_data.plan import FIRST_RUN_DAY, SEASON_WEEKS, derive_dose, plan_season
from sample_data.routes import make_routes
from sample_data.runner import STEADIED, STEADIED_SEED, UNAFFECTED, UNAFFECTED_SEED

ROUTES = make_routes()
SEASON = plan_season(STEADIED, SEASON_WEEKS, ROUTES)


def test_dose_of_one_session() -> None:
    """One session of 60 minutes counts from the next day on and is worth half after 21 days more."""
    minutes = np.zeros(30)
    minutes[3] = 60.0
    dose = derive_dose(minutes, 21)
    next_day = 7 * 60 * (1 - 0.5 ** (1 / 21))
    assert dose[3] == 0
    assert dose[4] == pytest.approx(next_day)
    assert dose[25] == pytest.approx(next_day / 2)


def test_steady_dose() -> None:
    """Forty-five minutes a week for ever is a dose of 45."""
    assert derive_dose(np.full(1000, 45 / 7), 21)[-1] == pytest.approx(45)


@given(st.lists(st.floats(0, 120), min_size=1, max_size=60))
def test_dose_closed_form(minutes: list[float]) -> None:
    """The recursion equals the sum over all earlier days, each weighted by its age."""
    keep = 2 ** (-1 / 21)
    day = len(minutes) - 1
    closed = 7 * (1 - keep) * sum(keep ** (day - d - 1) * minutes[d] for d in range(day))
    assert derive_dose(np.array(minutes), 21)[-1] == pytest.approx(closed, abs=1e-9)


def test_effect_is_planted_exactly() -> None:
    """Effect on each run is ln 0.6 per 45 min/week of the dose that follows from the log's own rows."""
    by_day: dict[date, float] = defaultdict(float)
    for row in SEASON.log:
        by_day[date.fromisoformat(str(row["date"]))] += float(str(row["minutes"]))
    keep = 2 ** (-1 / 21)
    for run in SEASON.runs:
        ages = {(run.local_date - day).days: spent for day, spent in by_day.items()}
        dose = 7 * (1 - keep) * sum(spent * keep ** (age - 1) for age, spent in ages.items() if age >= 1)
        assert run.dose == pytest.approx(dose)
        assert run.effect == pytest.approx(math.log(0.6) * dose / 45)


def test_effect_is_the_only_difference() -> None:
    """Without the effect the same seed gives the same log and smooth ground: technical ground alone moves."""
    twin = plan_season(replace(STEADIED, log_effect=0.0), SEASON_WEEKS, ROUTES)
    assert twin.log == SEASON.log
    for run, other in zip(SEASON.runs, twin.runs, strict=True):
        assert run.log_unsteadiness_smooth == other.log_unsteadiness_smooth
        moved = run.log_unsteadiness_technical - other.log_unsteadiness_technical
        assert moved == pytest.approx(run.effect)


def test_unaffected_runner_has_no_effect() -> None:
    """The second runner trains as much and nothing comes of it."""
    season = plan_season(UNAFFECTED, 20, ROUTES)
    assert {run.effect for run in season.runs} == {0.0}
    assert max(run.dose for run in season.runs) > 40


def test_seeds_are_fixed() -> None:
    """The seeds chosen before any answer was seen have not been changed."""
    assert (STEADIED_SEED, UNAFFECTED_SEED) == (20261123, 20261124)
    assert (STEADIED.seed, UNAFFECTED.seed) == (20261123, 20261124)


def test_blocks() -> None:
    """Weeks of an on-block have three sessions of 15 to 25 minutes and 3 to 5 drills, others none."""
    sessions: dict[date, list[float]] = defaultdict(list)
    for row in SEASON.log:
        sessions[date.fromisoformat(str(row["date"]))].append(float(str(row["minutes"])))
    assert all(15 <= sum(drills) <= 25 and 3 <= len(drills) <= 5 for drills in sessions.values())
    for week in range(SEASON_WEEKS + 8):
        monday = SEASON.first_log_day + timedelta(weeks=week)
        on = week // 8 % 2 == 0
        assert sum(monday + timedelta(days=d) in sessions for d in range(7)) == (3 if on else 0)


def test_log_begins_long_before_the_runs() -> None:
    """The log's first day has a session and lies 8 weeks before the runs, so every dose is known."""
    assert str(SEASON.log[0]["date"]) == SEASON.first_log_day.isoformat()
    assert (FIRST_RUN_DAY - SEASON.first_log_day).days == 56
    assert SEASON.runs[0].local_date >= FIRST_RUN_DAY


def test_shorter_season_is_the_beginning() -> None:
    """Three weeks are the first three of fifty-six."""
    short = plan_season(STEADIED, 3, ROUTES)
    assert short.runs == SEASON.runs[: len(short.runs)]
    assert short.log == SEASON.log[: len(short.log)]


def test_local_day() -> None:
    """Start times are two hours ahead of the runner's clock and fall on her own day."""
    for run in SEASON.runs:
        assert (run.start_time - timedelta(hours=2)).date() == run.local_date
        assert run.weekend == (run.local_date.weekday() >= 5)


def test_spread_of_a_long_season() -> None:
    """Noise and drift of very long seasons have the size that the runner was given."""
    season = plan_season(replace(STEADIED, log_effect=0.0, fitness_per_year=0.0), 2000, ROUTES)
    smooth = np.array([run.log_unsteadiness_smooth - 0.04 * run.weekend for run in season.runs])
    technical = np.array(
        [run.log_unsteadiness_technical - run.log_unsteadiness_smooth for run in season.runs]
    )
    assert smooth.std() == pytest.approx(math.hypot(0.08, 0.07), rel=0.08)
    assert technical.std() == pytest.approx(math.hypot(0.08, 0.06), rel=0.08)
