"""Numbers in whole steps: what a pack holds, and what the comparison of runs is given."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.columns import STEPS
from pipeline.rounded import Numbers, RoundedTrack
from pipeline.seconds import read_seconds
from pipeline.tables import Track
from pipeline.workflow import analyse_run
from tests.made_runs import activity

START = datetime(2026, 3, 1, 8, 0, 0, 700_000, tzinfo=UTC)
VALUES = arrays.arrays(np.float64, 6, elements=st.floats(-1e5, 1e5) | st.just(np.nan))


def test_steps_by_hand() -> None:
    """A speed is a whole number of millimetres a second, a grade of ten thousandths; unknown stays so."""
    numbers = Numbers.of({"speed_mps": np.array([2.7184, np.nan]), "grade": np.array([-0.12345, 0.00001])})
    assert np.array_equal(numbers.steps, [[2718.0, np.nan], [-1234.0, 0.0]], equal_nan=True)
    assert numbers["speed_mps"][0] == 2.718
    assert numbers.columns()["speed_mps"].to_list() == [2.718, None]


def test_there_is_no_zero_below_zero() -> None:
    """What rounds to zero from below is zero, as when it comes back from a pack."""
    numbers = Numbers.of({"grade": np.array([-0.00001])})
    assert str(numbers["grade"][0]) == str(numbers.columns()["grade"][0]) == "0.0"


@given(speed=VALUES, grade=VALUES)
def test_rounding_twice_is_rounding_once(speed: np.ndarray, grade: np.ndarray) -> None:
    """No number moves by more than half a step, and what was rounded moves no more."""
    given_arrays = {"speed_mps": speed, "grade": grade}
    once = Numbers.of(given_arrays)
    twice = Numbers.of({name: once[name] for name in given_arrays})
    for name, values in given_arrays.items():
        assert np.nanmax(np.abs(once[name] - values), initial=0.0) <= 0.5001 / STEPS[name]
        assert np.array_equal(once[name], twice[name], equal_nan=True)
        assert once.columns()[name].equals(twice.pick((name,)).columns()[name])


def test_a_track_and_its_seconds_say_the_same() -> None:
    """What steadiness is measured on is the same with and without the table between."""
    track = analyse_run(activity(0), run_id="r", athlete_id="ada").track
    assert isinstance(track, RoundedTrack)
    table = Track.validate(track.to_table())
    for seconds in (track.to_seconds(), track.to_be_measured().to_seconds()):
        for name, expected in vars(read_seconds(table)).items():
            assert np.array_equal(getattr(seconds, name), expected, equal_nan=True), name


def test_an_empty_track() -> None:
    """A track without a second is a valid table without a row."""
    none, names = np.zeros(0), ("speed_mps", "cadence_spm", "grade")
    codes = none.astype(np.uint8)
    track = RoundedTrack("r", START, none.astype(int), Numbers.of(dict.fromkeys(names, none)), codes, codes)
    assert Track.validate(track.to_table()).is_empty()
    assert len(track.to_seconds()) == 0


def test_seconds_begin_with_the_whole_second() -> None:
    """A run that starts within a second has its times at whole seconds."""
    once = np.zeros(1)
    codes = once.astype(np.uint8)
    track = RoundedTrack("r", START, np.array([3]), Numbers.of({"speed_mps": once}), codes, codes)
    assert track.to_table()["timestamp"].to_list() == [datetime(2026, 3, 1, 8, 0, 3, tzinfo=UTC)]
