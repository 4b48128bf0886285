"""Records to seconds, gaps, pauses, grade."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Rejected
from pipeline.kinematics import (
    CHANNELS,
    Motion,
    classify_altitude,
    derive_course,
    derive_motion,
    measure_altitude_noise,
    minetti_factor,
)
from pipeline.numeric import longest_rise
from pipeline.recorded import Samples
from pipeline.tables import DataFrame, TimerEvents

START = datetime(2025, 6, 1, 8, 0, tzinfo=UTC)
NO_EVENTS = TimerEvents.create_empty()


def records(seconds: list[float], **channels: list[float | None]) -> pl.DataFrame:
    """Records at these seconds after START, channels that are not named missing."""
    empty = dict.fromkeys(CHANNELS, [None] * len(seconds))
    frame = pl.DataFrame(
        {"timestamp": [START + timedelta(seconds=s) for s in seconds], **(empty | channels)}, strict=False
    )
    return frame.with_columns(
        pl.col("timestamp").cast(pl.Datetime("us", "UTC")), pl.col(*CHANNELS).cast(pl.Float64)
    )


def motion_of(records: pl.DataFrame, timer_events: DataFrame[TimerEvents]) -> Motion:
    """The motion of a table of records."""
    return derive_motion(Samples.of(records), timer_events)


def pauses(*events: tuple[float, str]) -> DataFrame[TimerEvents]:
    """Timer events at these seconds after START."""
    return TimerEvents.validate(
        pl.DataFrame(
            {
                "timestamp": [START + timedelta(seconds=s) for s, _ in events],
                "event_type": [kind for _, kind in events],
            }
        ),
        cast=True,
    )


def straight(n: int, grade: float, noise_m: float = 0.0, seed: int = 1) -> pl.DataFrame:
    """`n` seconds of running at 3 m/s up a constant grade."""
    metres = 3.0 * np.arange(n)
    noise = np.random.default_rng(seed).normal(0, noise_m, n) if noise_m else np.zeros(n)
    return records(
        list(range(n)),
        speed_mps=[3.0] * n,
        distance_m=metres.tolist(),
        altitude_m=(500 + grade * metres + noise).tolist(),
    )


def test_a_gap_of_five_seconds_is_filled_and_one_of_twenty_is_not() -> None:
    """Rows of 0 to 5 s, then 25 s: six seconds, a gap, one second."""
    motion = motion_of(records([0, 5, 25], speed_mps=[2, 2, 2]), NO_EVENTS)
    assert motion.elapsed_s.tolist() == [0, 1, 2, 3, 4, 5, 25]
    assert motion.block.tolist() == [0, 0, 0, 0, 0, 0, 1]


def test_cadence_is_not_carried_over_more_than_three_seconds() -> None:
    """Over 5 s speed is interpolated and cadence is missing."""
    motion = motion_of(records([0, 2, 7], speed_mps=[2, 2, 4], cadence_spm=[160, 164, 170]), NO_EVENTS)
    np.testing.assert_allclose(motion.speed_mps, [2, 2, 2, 2.4, 2.8, 3.2, 3.6, 4])
    np.testing.assert_allclose(motion.cadence_spm, [160, 162, 164, np.nan, np.nan, np.nan, np.nan, 170])


def test_cadence_is_not_drawn_between_standing_and_running() -> None:
    """From a stored 0 to 168 three seconds later no second gets 56 or 112, and a 0 is no cadence."""
    frame = records([0, 3, 6, 9], cadence_spm=[0.0, 168.0, 171.0, 0.0], speed_mps=[0.0, 3.0, 3.0, 0.0])
    cadence = motion_of(frame, NO_EVENTS).cadence_spm
    assert np.isnan(cadence[[0, 1, 2, 7, 8, 9]]).all()
    assert cadence[3:7].tolist() == [168.0, 169.0, 170.0, 171.0]


def test_smart_recording_without_distance_counts_what_was_run_in_its_gaps() -> None:
    """Points every 15 s at 3 m/s add up to their way; a gap that was stood through adds nothing."""
    metre = 1 / 111_195
    at_m = [0, 45, 90, 135, 135, 180]
    frame = records(
        [0, 15, 30, 45, 105, 120],
        lat_deg=[47 + metre * m for m in at_m],
        lon_deg=[8.0] * 6,
        speed_mps=[3.0, 3.0, 3.0, 3.0, 0.0, 3.0],
    )
    assert motion_of(frame, NO_EVENTS).distance_m[-1] == pytest.approx(180 + 3, abs=0.5)


def test_sparse_positions_are_interpolated_and_no_record_is_lost() -> None:
    """A watch that stores a position every fifth second still gives one each second."""
    lat: list[float | None] = [0.00002 * i if i % 5 == 0 else None for i in range(11)]
    motion = motion_of(
        records(list(range(11)), lat_deg=lat, lon_deg=[0.0] * 11, speed_mps=[2] * 11), NO_EVENTS
    )
    assert len(motion.elapsed_s) == 11
    np.testing.assert_allclose(motion.lat_deg, 0.00002 * np.arange(11))


def test_seconds_between_timer_stop_and_start_are_no_running() -> None:
    """Records that a watch keeps writing while its timer is stopped do not count."""
    motion = motion_of(
        records(list(range(10)), speed_mps=[2] * 10), pauses((3, "stop"), (6, "start"), (9, "stop"))
    )
    assert motion.elapsed_s.tolist() == [0, 1, 2, 3, 6, 7, 8, 9]


def test_time_that_goes_back_is_left_out_and_said() -> None:
    """The record of second 1 comes after second 2: it goes, and a warning counts it."""
    motion = motion_of(records([0, 2, 1, 3], speed_mps=[2, 2, 2, 2]), NO_EVENTS)
    assert motion.elapsed_s.tolist() == [0, 1, 2, 3]
    assert motion.warnings == ("1 of 4 records left out: their time is out of order or before 1990",)


def test_one_time_in_the_far_future_costs_one_record() -> None:
    """A record of 2075 in the middle goes; all that come after it stay."""
    motion = motion_of(records([0, 1, 1.5e9, 2, 3, 4], speed_mps=[2] * 6), NO_EVENTS)
    assert motion.elapsed_s.tolist() == [0, 1, 2, 3, 4]


@given(st.lists(st.integers(0, 40), max_size=12))
def test_the_longest_rise_is_the_longest(times: list[int]) -> None:
    """No strictly rising choice of records is longer than the one that is kept."""
    kept = longest_rise(np.array(times, dtype=float))
    chosen = [times[i] for i in kept]
    assert chosen == sorted(set(chosen))
    longest = [1] * len(times)
    for i in range(len(times)):
        longest[i] += max((longest[j] for j in range(i) if times[j] < times[i]), default=0)
    assert len(kept) == max(longest, default=0)


def test_a_jump_to_another_year_costs_no_memory() -> None:
    """One record fifty years later adds one second, not a billion."""
    motion = motion_of(records([0, 1, 1.5e9], speed_mps=[2, 2, 2]), NO_EVENTS)
    assert len(motion.elapsed_s) == 3


def test_records_without_time_are_refused_in_words() -> None:
    """A track without a clock is rejected with what would do."""
    bare = records([0, 1], speed_mps=[2, 2]).with_columns(timestamp=pl.lit(None, pl.Datetime("us", "UTC")))
    with pytest.raises(Rejected, match="fewer than two records carry a usable time"):
        motion_of(bare, NO_EVENTS)


def test_speed_comes_from_distance_where_the_file_has_none() -> None:
    """3 m further each second is 3 m/s."""
    motion = motion_of(records(list(range(8)), distance_m=[3.0 * i for i in range(8)]), NO_EVENTS)
    np.testing.assert_allclose(motion.speed_mps[1:], 3.0)


def test_every_five_seconds_is_smart_recording() -> None:
    """Sampling is told by the intervals."""
    assert motion_of(records([0, 5, 10], speed_mps=[2, 2, 2]), NO_EVENTS).sampling == "smart"
    assert motion_of(records([0, 1, 2], speed_mps=[2, 2, 2]), NO_EVENTS).sampling == "1 Hz"


@pytest.mark.parametrize(("grade", "cost"), [(0.0, 3.6), (0.10, 5.97), (-0.20, 1.80)])
def test_minetti_cost_at_published_points(grade: float, cost: float) -> None:
    """C(0) = 3.6, C(0.10) = 5.97 and C(-0.20) = 1.80 J/kg/m; a misprint in circulation gives others."""
    assert 3.6 * minetti_factor(np.array([grade]))[0] == pytest.approx(cost, abs=0.01)


def test_constant_grade_is_found_exactly() -> None:
    """A quadratic through a straight line is the line: 8 % is 8 % everywhere."""
    course = derive_course(motion_of(straight(600, 0.08), NO_EVENTS))
    np.testing.assert_allclose(course.grade, 0.08, atol=1e-6)
    assert course.ascent_m == pytest.approx(0.08 * course.distance_m[-1], rel=0.01)


@pytest.mark.parametrize(
    ("noise_m", "name"), [(0.05, "clean"), (0.22, "typical"), (0.4, "windy"), (1.5, "gps")]
)
def test_altitude_class_follows_its_noise(noise_m: float, name: str) -> None:
    """More noise about the local quadratic is a worse class."""
    altitude = 100 + np.random.default_rng(2).normal(0, noise_m, 2000)
    assert classify_altitude(measure_altitude_noise(altitude, "1 Hz")) == name


def test_rocks_are_not_the_watch() -> None:
    """Noise is told on the smoothest quarter: rough ground on half of the way leaves the watch clean."""
    rng = np.random.default_rng(3)
    altitude = 100 + rng.normal(0, 0.05, 2000) + np.repeat([0.0, 1.0], 1000) * rng.normal(0, 1.0, 2000)
    assert measure_altitude_noise(altitude, "1 Hz") == pytest.approx(
        measure_altitude_noise(altitude[:1000], "1 Hz"), rel=0.2
    )


def test_too_little_altitude_has_no_noise() -> None:
    """Under 250 m of altitude there is nothing to tell it from, and the class is none."""
    assert classify_altitude(measure_altitude_noise(np.full(40, 3.0), "1 Hz")) == "none"


def test_grade_under_noise_stays_within_the_measured_error() -> None:
    """With a clean barometer the RMSE of a constant grade stays under 1 percentage point."""
    course = derive_course(motion_of(straight(1200, 0.05, noise_m=0.1), NO_EVENTS))
    assert np.sqrt(np.mean((course.grade - 0.05) ** 2)) < 0.01


def test_a_run_without_altitude_has_no_grade() -> None:
    """Nothing is made up where nothing was recorded."""
    course = derive_course(motion_of(records(list(range(300)), speed_mps=[3.0] * 300), NO_EVENTS))
    assert course.altitude_class == "none"
    assert np.isnan(course.grade).all()
    assert course.ascent_m is None


def test_the_course_skips_standing() -> None:
    """A minute of standing adds no cell."""
    speed = [3.0] * 100 + [0.0] * 60 + [3.0] * 100
    course = derive_course(motion_of(records(list(range(260)), speed_mps=speed), NO_EVENTS))
    assert len(course.distance_m) == 119


def test_cells_beside_a_displaced_gap_are_marked() -> None:
    """After a gap of 200 m the cells about it are broken, the others are not."""
    seconds = [*range(200), *range(260, 460)]
    metres = [3.0 * i for i in range(200)] + [800 + 3.0 * i for i in range(200)]
    course = derive_course(motion_of(records(seconds, speed_mps=[3.0] * 400, distance_m=metres), NO_EVENTS))
    assert 0 < course.broken.sum() < len(course.broken) / 2
    assert course.broken[np.searchsorted(course.second, 200)]
