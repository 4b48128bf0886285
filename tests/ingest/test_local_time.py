"""The day where the runner was."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.activity import ActivityInfo
from pipeline.ingest.local_time import with_local_day
from pipeline.recorded import Samples

EVENING = datetime(2024, 7, 1, 23, 30, tzinfo=UTC)


def fix(lat_deg=None, lon_deg=None):
    """Records of two points, of which only the second has a position."""
    numbers = {"lat_deg": np.array([None, lat_deg], float), "lon_deg": np.array([None, lon_deg], float)}
    return Samples(np.arange(2.0), numbers)


def local(records, start=EVENING, offset_s=None):
    """Local date and offset of a run that starts at `start`."""
    run = with_local_day(ActivityInfo("gpx", start_time=start, utc_offset_s=offset_s), records)
    return run.local_date, run.utc_offset_s


def test_the_files_own_offset_goes_first():
    """23:30 UTC at +2 h is the next day, wherever the position lies."""
    assert local(fix(40.0, -100.0), offset_s=7200) == (date(2024, 7, 2), 7200)


def test_an_offset_of_zero_yields_to_the_position():
    """A watch in New York that writes universal time as local time still ran on its own evening."""
    evening = datetime(2024, 7, 2, 1, 0, tzinfo=UTC)
    assert local(fix(42.0, -75.0), evening, offset_s=0) == (date(2024, 7, 1), -14400)
    assert local(fix(), evening, offset_s=0) == (date(2024, 7, 2), 0)
    assert local(fix(52.5, -1.5), datetime(2024, 1, 2, 1, 0, tzinfo=UTC), offset_s=0)[0] == date(2024, 1, 2)


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg", "start", "day"),
    [
        (43.0, -75.0, "2024-03-09T23:30-05:00", "2024-03-09"),  # the night before summer time
        (43.0, -75.0, "2024-03-10T23:30-04:00", "2024-03-10"),  # a day of 23 hours
        (43.0, -75.0, "2024-11-03T00:30-04:00", "2024-11-03"),  # a day of 25 hours: its first hour
        (43.0, -75.0, "2024-11-03T23:30-05:00", "2024-11-03"),  # and its last
        (-38.0, 176.0, "2024-04-07T00:30+13:00", "2024-04-07"),  # New Zealand, summer time ends
        (-38.0, 176.0, "2024-09-29T23:30+13:00", "2024-09-29"),  # and begins
    ],
)
def test_days_on_which_the_clock_changes(lat_deg, lon_deg, start, day):
    """On the nights of summer time a run belongs to the day on the runner's own clock."""
    moment = datetime.fromisoformat(start).astimezone(UTC)
    assert local(fix(lat_deg, lon_deg), moment)[0].isoformat() == day


def test_the_zone_of_the_first_position_with_its_summer_time():
    """In the middle of Germany 23:30 UTC is 01:30 in July and 00:30 in January."""
    assert local(fix(51.0, 10.0)) == (date(2024, 7, 2), 7200)
    january = datetime(2024, 1, 1, 23, 30, tzinfo=UTC)
    assert local(fix(51.0, 10.0), january) == (date(2024, 1, 2), 3600)


def test_west_of_greenwich_the_evening_stays_on_its_day():
    """In the Rocky Mountains 02:00 UTC belongs to the day before."""
    start = datetime(2024, 7, 2, 2, 0, tzinfo=UTC)
    assert local(fix(39.5, -106.0), start) == (date(2024, 7, 1), -21600)


def test_without_zone_and_position_it_is_the_day_of_utc_with_a_warning():
    """A treadmill run without an offset is told to lie on its UTC day."""
    run = with_local_day(ActivityInfo("tcx", start_time=EVENING), fix())
    assert (run.local_date, run.utc_offset_s) == (date(2024, 7, 1), None)
    assert run.warnings == ("neither a time zone nor a position: the day is that of UTC",)


def test_without_a_start_there_is_no_day():
    """A run without a time comes back as it was."""
    run = ActivityInfo("gpx")
    assert with_local_day(run, fix()) is run


@settings(deadline=None)
@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(0, 37_000))
def test_every_place_on_earth_has_an_offset(lat_deg, lon_deg, days):
    """Anywhere on land or sea the offset lies within the world's, and the date follows from it."""
    start = datetime(1996, 1, 1, 9, 30, tzinfo=UTC) + timedelta(days=days)
    day, offset_s = local(fix(lat_deg, lon_deg), start)
    assert -12 * 3600 <= offset_s <= 14 * 3600
    assert day == (start + timedelta(seconds=offset_s)).date()
