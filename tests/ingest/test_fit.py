"""FIT files to an Activity: columns, names, sport, device, events, sets."""

import contextlib
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from fit_bytes import (
    ACTIVITY,
    BYTE,
    DESCRIPTION,
    ENUM,
    EVENT,
    FILE_ID,
    FILE_ID_MESSAGES,
    RECORD,
    SESSION,
    SET,
    SINT32,
    STRING,
    T0,
    UINT8,
    UINT16,
    UINT32,
    data,
    definition,
    fit,
    simple_run,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Rejected
from pipeline.ingest.fit import parse_fit
from pipeline.tables import Records, TimerEvents

START = datetime(2021, 9, 8, 1, 46, 40, tzinfo=UTC)


def test_a_record_worked_out_by_hand():
    """Semicircles, scaled altitude, distance and speed, and one leg's cadence come in the table's units."""
    fields = [(253, 4, UINT32), (0, 4, SINT32), (1, 4, SINT32), (2, 2, UINT16), (5, 4, UINT32)]
    fields += [(6, 2, UINT16), (4, 1, UINT8), (53, 1, UINT8), (3, 1, UINT8), (41, 2, UINT16)]
    record = data(0, "IiiHIHBBBH", T0, 2**29, -(2**30), 3005, 12345, 2500, 85, 64, 150, 2405)
    records = parse_fit(fit(definition(0, RECORD, fields), record)).records
    assert records.row(0, named=True) == {
        "timestamp": START,
        "lat_deg": 45.0,
        "lon_deg": -90.0,
        "altitude_m": 101.0,
        "distance_m": 123.45,
        "speed_mps": 2.5,
        "cadence_spm": 171.0,
        "heart_rate_bpm": 150.0,
        "stance_time_ms": 240.5,
    }


def test_enhanced_fields_win_where_they_are_valid():
    """Enhanced altitude and speed replace the plain ones, except where they are invalid."""
    layout = definition(0, RECORD, [(2, 2, UINT16), (78, 4, UINT32), (6, 2, UINT16), (73, 4, UINT32)])
    both = data(0, "HIHI", 3000, 3500, 2000, 3000)
    plain = data(0, "HIHI", 3000, 0xFFFFFFFF, 2000, 0xFFFFFFFF)
    records = parse_fit(fit(layout, both, plain)).records
    assert records["altitude_m"].to_list() == [200.0, 100.0]
    assert records["speed_mps"].to_list() == [3.0, 2.0]


def test_compressed_speed_and_distance():
    """Twelve bits of speed in cm/s and twelve of distance in 1/16 m that count round at 256 m."""
    layout = definition(0, RECORD, [(8, 3, BYTE)])
    # 250 = 0x0FA cm/s; 4,000 = 0xFA0 and then 16 = 0x010 sixteenths: 250 m, then 257 m.
    records = parse_fit(fit(layout, data(0, "3B", 0xFA, 0x00, 0xFA), data(0, "3B", 0xFA, 0x00, 0x01))).records
    assert records["speed_mps"].to_list() == [2.5, 2.5]
    assert records["distance_m"].to_list() == [250.0, 257.0]


def test_no_record_is_dropped_and_all_columns_are_there():
    """Records without time or position stay, and a file of one channel has all columns of the table."""
    content = fit(definition(0, RECORD, [(3, 1, UINT8)]), data(0, "B", 70), data(0, "B", 255))
    activity = parse_fit(content)
    assert Records.is_valid(activity.records)
    assert activity.records.columns == Records.column_names()
    assert activity.records["heart_rate_bpm"].to_list() == [70.0, None]
    assert (activity.run.cadence_unit, activity.run.start_time) == ("none", None)


def test_developer_channel_keeps_its_application_in_the_name():
    """A developer field is a channel of its own beside the native one."""
    fields = [(0, 1, UINT8), (1, 1, UINT8), (2, 1, UINT8), (3, 6, STRING), (8, 6, STRING)]
    content = fit(
        definition(0, DESCRIPTION, fields),
        data(0, "BBB6s6s", 1, 4, UINT16, b"Power", b"Watts"),
        definition(1, RECORD, [(7, 2, UINT16)], developer=[(4, 2, 1)]),
        data(1, "HH", 250, 260),
    )
    row = parse_fit(content).records.row(0, named=True)
    assert (row["power_w"], row["dev_1_power_watts"]) == (250.0, 260.0)


def test_what_the_file_says_of_itself():
    """Sport, device, local day and file kind come from their own messages."""
    content = fit(
        FILE_ID_MESSAGES,
        definition(1, SESSION, [(2, 4, UINT32), (5, 1, ENUM), (6, 1, ENUM), (8, 4, UINT32)]),
        data(1, "IBBI", T0, 1, 3, 90500),
        definition(2, ACTIVITY, [(253, 4, UINT32), (5, 4, UINT32)]),
        data(2, "II", T0 + 9, T0 + 9 - 7 * 3600),
    )
    activity = parse_fit(content)
    run = activity.run
    assert (run.sport, run.sub_sport, run.device, run.file_kind) == (
        "running",
        "trail",
        "garmin fenix7",
        "activity",
    )
    # 01:46:40 UTC is still the evening before, seven hours west.
    assert (run.start_time, run.utc_offset_s, run.local_date) == (START, -7 * 3600, date(2021, 9, 7))
    assert activity.sessions["total_timer_time_s"].to_list() == [90.5]
    assert activity.sessions["start_time"].to_list() == [START]


def test_product_name_of_other_makers():
    """A maker's own product name is kept as it is written."""
    content = fit(
        definition(0, FILE_ID, [(1, 2, UINT16), (8, 13, STRING)]), data(0, "H13s", 23, b"Ambit3 Peak")
    )
    assert parse_fit(content).run.device == "suunto Ambit3 Peak"


def test_timer_events():
    """Starts and every kind of stop of the timer are kept, other events are not."""
    layout = definition(0, EVENT, [(253, 4, UINT32), (0, 1, ENUM), (1, 1, ENUM)])
    kinds = [(0, 0), (36, 3), (0, 1), (0, 0), (0, 4)]
    events = parse_fit(
        fit(layout, *(data(0, "IBB", T0 + i, event, kind) for i, (event, kind) in enumerate(kinds)))
    ).timer_events
    assert TimerEvents.is_valid(events)
    assert events["event_type"].to_list() == ["start", "stop", "start", "stop"]
    assert events["timestamp"].to_list() == [START + timedelta(seconds=i) for i in (0, 2, 3, 4)]


def test_strength_sets_have_their_exercise():
    """A set has its category, exercise, repetitions, seconds and kilograms."""
    fields = [(0, 4, UINT32), (3, 2, UINT16), (4, 2, UINT16), (6, 4, UINT32), (7, 2, UINT16), (8, 2, UINT16)]
    sets = parse_fit(fit(definition(0, SET, fields), data(0, "IHHIHH", 45500, 12, 160, T0, 19, 43))).sets
    measures = ["category", "exercise", "repetitions", "duration_s", "weight_kg", "start_time"]
    assert sets.select(measures).row(0) == ("plank", "plank", 12.0, 45.5, 10.0, START)


def test_relative_times_are_counted_from_the_files_creation():
    """Where all times count from switching on, the first record is set to the file's creation."""
    content = fit(
        definition(0, FILE_ID, [(4, 4, UINT32)]),
        data(0, "I", T0),
        definition(1, RECORD, [(253, 4, UINT32)]),
        data(1, "I", 500),
        data(1, "I", 507),
    )
    activity = parse_fit(content)
    assert activity.records["timestamp"].to_list() == [START, START + timedelta(seconds=7)]
    assert "clock was not set" in activity.run.warnings[0]


def test_times_without_any_date_are_missing():
    """Relative times without a date in the file are null, and the warnings count them."""
    activity = parse_fit(fit(definition(1, RECORD, [(253, 4, UINT32)]), data(1, "I", 500)))
    assert activity.records["timestamp"].to_list() == [None]
    assert activity.run.warnings[0].startswith("1 records have no date")


def test_positions_beyond_the_poles_are_missing():
    """A latitude of 135 degrees is null with its longitude, and the record stays."""
    layout = definition(1, RECORD, [(0, 4, SINT32), (1, 4, SINT32)])
    activity = parse_fit(fit(layout, data(1, "ii", 3 * 2**29, 2**29)))
    assert activity.records.select("lat_deg", "lon_deg").row(0) == (None, None)
    assert "beyond the poles" in activity.run.warnings[0]


def test_garbage_before_damage_is_cut():
    """Records that were misread before the damage showed are left out: their times are days off."""
    layout = definition(1, RECORD, [(253, 4, UINT32), (3, 1, UINT8)])
    good = [data(1, "IB", T0 + i, 100) for i in range(5)]
    content = fit(layout, *good, data(1, "IB", T0 + 9_000_000, 3), data(1, "IB", T0 + 6, 4), b"\x09")
    activity = parse_fit(content)
    assert activity.records["heart_rate_bpm"].to_list() == [100.0] * 5
    assert activity.damage is not None


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 255), st.integers(0, 10**6))
def test_a_mutated_file_never_raises(at: int, value: int, cut: int):
    """With any byte changed and any length cut, the reader gives an Activity or Rejected."""
    content = bytearray(simple_run(30))
    content[at % len(content)] = value
    with contextlib.suppress(Rejected):
        activity = parse_fit(bytes(content[: len(content) - cut % 50]))
        assert activity.records.columns[:8] == Records.column_names()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_never_raise(content: bytes):
    """Random bytes, with and without FIT's mark, give an Activity or Rejected."""
    for tried in (content, fit(content), simple_run(2)[:-2] + content):
        with contextlib.suppress(Rejected):
            parse_fit(tried)


@pytest.mark.parametrize("folder", ["trail-season", "trail-dynamics", "road-season", "other-vendors"])
def test_real_runs_have_what_the_pipeline_needs(corpus, folder: str):
    """Every real running file keeps the table's rules and knows its sport, start, device and cadence unit."""
    for path in sorted((corpus / folder).glob("*.fit")):
        activity = parse_fit(path.read_bytes())
        assert Records.is_valid(activity.records.select(Records.column_names()))
        assert TimerEvents.is_valid(activity.timer_events)
        assert activity.damage is None
        assert activity.run.start_time is not None
        assert activity.records["cadence_spm"].drop_nulls().is_between(0, 508).all()
        assert (activity.run.cadence_unit == "none") == activity.records["cadence_spm"].is_null().all()
        assert isinstance(activity.records["timestamp"].dtype, pl.Datetime)
