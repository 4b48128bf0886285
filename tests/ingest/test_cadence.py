"""Strides or steps: decided from what the values can mean."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SurefootError
from pipeline.ingest import check_run, read_activity
from pipeline.ingest.cadence import decide_cadence_unit
from pipeline.ingest.points import speed_of


def running(rng, n, mps=2.9):
    """Steps per minute and speed of a runner: 165 about a speed of 2.9 m/s."""
    speed = rng.normal(mps, 0.25, n)
    return 165 + 8 * (speed - 2.9) + rng.normal(0, 4, n), speed


def walking(rng, n, mps=1.1):
    """Steps per minute and speed of a hiker uphill: 105 about 1.1 m/s."""
    speed = np.clip(rng.normal(mps, 0.2, n), 0.3, None)
    return 105 + 25 * (speed - 1.1) + rng.normal(0, 6, n), speed


def mixed(seed, n_run, n_walk):
    """A recording of both, and 60 s of standing."""
    rng = np.random.default_rng(seed)
    (run_steps, run_mps), (walk_steps, walk_mps) = running(rng, n_run), walking(rng, n_walk)
    steps = np.concatenate((run_steps, walk_steps, np.zeros(60)))
    return np.clip(steps, 0, None), np.concatenate((run_mps, walk_mps, np.zeros(60)))


def test_one_leg_of_a_runner_by_hand():
    """85 a minute at 2.83 m/s are strides: steps of 1 m; as steps they would be 2 m."""
    unit = decide_cadence_unit(np.full(100, 85.0), np.full(100, 2.83))
    assert unit.unit == "strides_per_minute"
    assert unit.steps_per_count == 2.0
    assert (
        unit.reason
        == "100% of 100 moving samples fit strides: a median of 85 per minute makes steps of 1.00 m"
    )


def test_both_legs_of_a_runner_by_hand():
    """170 a minute at the same speed are steps of the same length, and left alone."""
    unit = decide_cadence_unit(np.full(100, 170.0), np.full(100, 2.83))
    assert (unit.unit, unit.steps_per_count) == ("steps_per_minute", 1.0)
    assert "steps of 1.00 m" in unit.reason


@pytest.mark.parametrize(("n_run", "n_walk"), [(3000, 0), (3000, 3000), (2400, 1600), (300, 5000), (0, 4000)])
@pytest.mark.parametrize("seed", range(5))
def test_runners_hikers_and_those_who_do_both(n_run, n_walk, seed):
    """Both units are told apart for a run, a run half walked, a hike with 7 % running, and a hike."""
    steps, speed_mps = mixed(seed, n_run, n_walk)
    assert decide_cadence_unit(steps, speed_mps).unit == "steps_per_minute"
    assert decide_cadence_unit(np.round(steps / 2), speed_mps).unit == "strides_per_minute"


def test_strava_s_steps_with_two_fifths_hiking():
    """A GPX in steps already stays as it is, though two fifths of its values look like one leg's."""
    steps, speed_mps = mixed(7, 2400, 1600)
    assert decide_cadence_unit(np.round(steps), speed_mps).steps_per_count == 1.0


def test_a_doubled_treadmill_file_without_speed():
    """Values of 165 are more than one leg can do, whatever the speed was."""
    steps, _ = running(np.random.default_rng(1), 1200)
    unit = decide_cadence_unit(np.round(steps), np.full(1200, np.nan))
    assert unit.unit == "steps_per_minute"
    assert (
        unit.reason
        == "the fastest 5 % of the values lie above 172 per minute, as steps do (thin evidence: no speed)"
    )


def test_a_treadmill_file_in_strides_without_speed():
    """Values about 82 without a speed are a runner's one leg, and the evidence is called thin."""
    steps, _ = running(np.random.default_rng(1), 1200)
    unit = decide_cadence_unit(np.round(steps / 2), np.full(1200, np.nan))
    assert unit.unit == "strides_per_minute"
    assert "thin evidence" in unit.reason


def test_a_treadmill_whose_speed_was_never_set():
    """A speed far too high does not turn steps into strides: no leg counts 165."""
    steps, _ = running(np.random.default_rng(2), 600)
    unit = decide_cadence_unit(steps, np.full(600, 9.0))
    assert unit.unit == "steps_per_minute"
    assert "mixed" in unit.reason


def test_a_hike_in_steps_without_speed():
    """Values about 110 without a speed are a hiker's steps."""
    assert decide_cadence_unit(np.full(500, 110.0), np.full(500, np.nan)).unit == "steps_per_minute"


def test_few_values_are_called_thin_evidence():
    """A handful of values is decided too, and the reason says how few they were."""
    unit = decide_cadence_unit(np.array([84.0, 86.0]), np.array([2.8, 2.9]))
    assert unit.unit == "strides_per_minute"
    assert "only 2 values" in unit.reason


@pytest.mark.parametrize(
    ("cadence", "reason"),
    [
        (np.array([]), "cadence is not in the file"),
        (np.full(9, np.nan), "cadence is not in the file"),
        (np.zeros(9), "cadence is always 0"),
    ],
)
def test_without_cadence_there_is_no_unit(cadence, reason):
    """Missing and always-zero cadence have no unit, and are told apart."""
    unit = decide_cadence_unit(cadence, np.full(cadence.size, 2.5))
    assert (unit.unit, unit.reason, unit.steps_per_count) == ("none", reason, 1.0)


def test_rounding_and_missing_values_change_nothing():
    """Cadence in whole strides, with a third missing and zeros between, is decided the same."""
    rng = np.random.default_rng(3)
    steps, speed_mps = mixed(3, 1500, 1500)
    strides = np.round(steps / 2)
    strides[rng.random(strides.size) < 0.33] = np.nan
    strides[rng.random(strides.size) < 0.1] = 0
    assert decide_cadence_unit(strides, speed_mps).unit == "strides_per_minute"


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n_run=st.integers(0, 600),
    n_walk=st.integers(0, 600),
    one_leg=st.booleans(),
    with_speed=st.booleans(),
)
def test_nothing_is_doubled_twice(seed, n_run, n_walk, one_leg, with_speed):
    """What was converted once is steps per minute, and converting it again leaves it alone."""
    steps, speed_mps = mixed(seed, n_run + 100, n_walk)
    cadence = np.round(steps / 2) if one_leg else np.round(steps)
    speed_mps = speed_mps if with_speed else np.full(steps.size, np.nan)
    converted = cadence * decide_cadence_unit(cadence, speed_mps).steps_per_count
    assert decide_cadence_unit(converted, speed_mps).steps_per_count == 1.0


def test_fit_files_whose_profile_says_strides(corpus):
    """On real runs the decision finds the unit that FIT's profile fixes, from strides and from doubled ones.

    Every third file is tried; of all 340 runs one was wrong with speed (a hike of 62 steps a minute), and
    one without.
    """
    wrong = {"with speed": 0, "without": 0}
    runs = 0
    for path in sorted(corpus.rglob("*.fit"))[::3]:
        try:
            activity = read_activity(path.name, path.read_bytes())
            check_run(activity)
        except SurefootError:
            continue
        steps = activity.records["cadence_spm"].to_numpy()
        if np.sum(steps > 0) < 60:
            continue
        runs += 1
        for kind, speed_mps in (
            ("with speed", speed_of(activity.records)),
            ("without", np.full(steps.size, np.nan)),
        ):
            wrong[kind] += decide_cadence_unit(steps / 2, speed_mps).steps_per_count != 2.0
            wrong[kind] += decide_cadence_unit(steps, speed_mps).steps_per_count != 1.0
    assert runs > 100
    assert wrong["with speed"] <= 1
    assert wrong["without"] <= 1
