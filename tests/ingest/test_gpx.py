"""GPX files, whole and broken."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from xml_files import START, garmin_cadence, gpx, time_at, trkpt

from pipeline.errors import Rejected
from pipeline.ingest.gpx import parse_gpx
from pipeline.tables import Records

HOLLOW = '<?xml version="1.0"?><!DOCTYPE gpx [{}]><gpx><trk><trkseg>&a;</trkseg></trk></gpx>'


def test_a_point_worked_out_by_hand():
    """One point gives its time, position, altitude and sensors, in the table's units."""
    sensors = (
        "<gpxtpx:TrackPointExtension><gpxtpx:atemp>21</gpxtpx:atemp><gpxtpx:hr>150</gpxtpx:hr>"
        "<gpxtpx:cad>86</gpxtpx:cad></gpxtpx:TrackPointExtension><power>240</power>"
    )
    row = parse_gpx(gpx([trkpt(0, sensors)])).records.row(0, named=True)
    assert row == {
        "timestamp": START,
        "lat_deg": 30.0,
        "lon_deg": -40.0,
        "altitude_m": 100.5,
        "distance_m": None,
        "speed_mps": None,
        "cadence_spm": 172.0,
        "heart_rate_bpm": 150.0,
        "power_w": 240.0,
        "temperature_c": 21.0,
    }


@pytest.mark.parametrize(
    ("extension", "column", "value"),
    [
        (
            "<gpxtpx:TrackPointExtension><gpxtpx:hr>99</gpxtpx:hr></gpxtpx:TrackPointExtension>",
            "heart_rate_bpm",
            99,
        ),
        ("<heartrate>99</heartrate>", "heart_rate_bpm", 99),
        ("<ns3:TrackPointExtension><ns3:hr>99</ns3:hr></ns3:TrackPointExtension>", "heart_rate_bpm", 99),
        ("<gpxdata:hr>99</gpxdata:hr>", "heart_rate_bpm", 99),
        ("<gpxdata:cadence>80</gpxdata:cadence>", "cadence_spm", 160),
        ("<gpxtpx:RunCadence>80</gpxtpx:RunCadence>", "cadence_spm", 160),
        ("<cadence>80</cadence>", "cadence_spm", 160),
        ("<speed> 2.5 </speed>", "speed_mps", 2.5),
        ("<gpxdata:distance>12.5</gpxdata:distance>", "distance_m", 12.5),
    ],
)
def test_makers_spell_extensions_differently(extension, column, value):
    """Garmin, Strava, Suunto, COROS and Amazfit spell sensors differently, also with undeclared prefixes."""
    assert parse_gpx(gpx([trkpt(0, extension)])).records[column].to_list() == [value]


def test_every_point_is_a_row_in_file_order():
    """All tracks and segments are read, one row a point, also where times go back or are missing."""
    timeless = '<trkpt lat="30" lon="-40"/>'
    activity = parse_gpx(gpx([trkpt(5), trkpt(2)], [timeless, trkpt(9)]))
    seconds = [(t - START).total_seconds() if t else None for t in activity.records["timestamp"]]
    assert seconds == [5, 2, None, 9]


@pytest.mark.parametrize("bad", ["NaN", "91", "inf", "", "fifty"])
def test_a_bad_latitude_costs_the_position_only(bad):
    """A latitude that is none loses the position, never the row or its other values."""
    point = trkpt(1).replace('lat="', f'lat="{bad}" was="')
    records = parse_gpx(gpx([trkpt(0), point, trkpt(2)])).records
    assert records["lat_deg"].is_null().to_list() == [False, True, False]
    assert records["lon_deg"].is_null().to_list() == [False, True, False]
    assert records["altitude_m"].to_list() == [100.5] * 3


def test_lost_values_are_told():
    """A value that cannot be read is counted in the warnings."""
    activity = parse_gpx(gpx([trkpt(0, ele="high"), trkpt(1)]))
    assert activity.run.warnings == ("1 unreadable value of altitude_m was left out",)


def test_a_position_of_zero_zero_is_no_position():
    """Treadmill exports write 0, 0 for a position that they do not have."""
    point = f'<trkpt lat="0.0" lon="0.0"><time>{time_at(0)}</time></trkpt>'
    assert parse_gpx(gpx([point])).records["lat_deg"].to_list() == [None]


def test_times_of_every_spelling_are_utc():
    """An offset is taken into account, a missing one is UTC, fractions of a second are kept."""
    times = ["2024-05-04T11:00:00+02:00", "2024-05-04T09:00:01", "2024-05-04T09:00:02.250Z", "later"]
    points = [f'<trkpt lat="30" lon="-40"><time>{time}</time></trkpt>' for time in times]
    activity = parse_gpx(gpx(points))
    assert [t and (t - START).total_seconds() for t in activity.records["timestamp"]] == [0, 1, 2.25, None]
    assert activity.run.utc_offset_s == 7200


@pytest.mark.parametrize(
    ("kind", "sport"),
    [
        ("trail_running", ("running", "trail")),
        ("Trail Running", ("running", "trail")),
        ("9", ("running", "")),
        ("running", ("running", "")),
        ("virtual_run", ("running", "virtual")),
        ("cycling", ("cycling", "")),
        ("Hike", ("hiking", "")),
        ("crunches", ("crunches", "")),
        ("", ("", "")),
    ],
)
def test_the_type_of_the_track_is_its_sport(kind, sport):
    """The words and numbers that sites write become the FIT profile's names."""
    run = parse_gpx(gpx([trkpt(0)], kind=kind)).run
    assert (run.sport, run.sub_sport) == sport


def test_the_creator_is_kept():
    """The program that wrote the file is known, and is no device."""
    run = parse_gpx(gpx([trkpt(0)], creator="Garmin Connect")).run
    assert (run.creator, run.device) == ("Garmin Connect", "")


def test_a_gap_between_segments_is_a_pause():
    """The timer starts and stops with the file, and stops at a segment's border that is a gap."""
    events = parse_gpx(gpx([trkpt(0), trkpt(1)], [trkpt(2), trkpt(3)], [trkpt(60), trkpt(61)])).timer_events
    seconds = [(t - START).total_seconds() for t in events["timestamp"]]
    kinds = ["start", "stop", "start", "stop"]
    assert list(zip(seconds, events["event_type"], strict=True)) == list(
        zip([0, 3, 60, 61], kinds, strict=True)
    )


def test_cadence_is_decided_once_for_the_file():
    """Strides at a runner's speed are doubled for every point, also for those at a walk."""
    points = [trkpt(second, garmin_cadence(50 if second < 20 else 85)) for second in range(120)]
    activity = parse_gpx(gpx(points))
    assert activity.run.cadence_unit == "strides_per_minute"
    assert activity.records["cadence_spm"].unique().sort().to_list() == [100, 170]


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: b"\n\n  " + text,
        lambda text: text.decode().encode("utf-16"),
        lambda text: text.decode().encode("utf-16-le"),
        lambda text: text.decode().encode("utf-16-be"),
        lambda text: text.replace(b"UTF-8", b"ISO-8859-1").replace(b"<name>n", b"<name>\xfc"),
        lambda text: text.replace(b"<name>n", b"<name>\xfc"),
        lambda text: text.replace(b"\n<gpx", b"\n<!-- <kml> -->\n<gpx"),
    ],
    ids=["mark", "white space", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "not utf-8", "comment"],
)
def test_encodings_and_what_stands_before_the_document_do_not_matter(disguise):
    """The same points come out of every encoding that watches and programs write."""
    text = gpx([trkpt(second) for second in range(5)])
    activity = parse_gpx(disguise(text))
    assert_frame_equal(activity.records, parse_gpx(text).records)
    assert activity.damage is None


def test_damage_in_the_middle_is_told_with_its_place():
    """A broken tag costs its own value; the rest is read and the damage is placed."""
    points = [trkpt(second) for second in range(9)]
    points[4] = points[4].replace("</ele>", "</el>")
    text = gpx(points)
    activity = parse_gpx(text)
    assert len(activity.records) == 9
    assert activity.damage is not None
    assert abs(activity.damage.byte - text.index(b"</el>")) < 10


def test_zeros_at_the_end_of_a_file_are_damage():
    """A watch that lost its power leaves zeros: the points before them stay."""
    text = gpx([trkpt(second) for second in range(9)])
    activity = parse_gpx(text[:-60] + b"\0" * 500)
    assert len(activity.records) == 8
    assert activity.damage is not None


@pytest.mark.parametrize(
    "declaration",
    [
        '<!ENTITY a "b">',
        '<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">',
        '<!ENTITY a SYSTEM "file:///etc/hostname">',
        '<!ENTITY % a SYSTEM "http://127.0.0.1:9/x.dtd"> %a;',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused(declaration, encoding):
    """Entities, expanding, external or harmless, are refused before anything is parsed."""
    with pytest.raises(Rejected, match="document type"):
        parse_gpx(HOLLOW.format(declaration).encode(encoding))


def test_deep_nesting_ends_in_no_points():
    """90,000 nested tags neither crash nor hang the reader."""
    activity = parse_gpx(b"<gpx><trk><trkseg>" + b"<a>" * 90_000 + b"</trkseg></trk></gpx>")
    assert activity.records.is_empty()
    assert activity.damage is not None


@pytest.mark.parametrize("hostile", [b"<!--" * 90_000, b"</gpx>" + b"<!---->" * 90_000 + b"x", b"<" * 90_000])
def test_a_document_made_to_take_long_does_not(hostile):
    """Comments without end, comments without number and empty brackets end in no points."""
    assert parse_gpx(b"<gpx>" + hostile).records.is_empty()
    assert parse_gpx(hostile + b"<gpx>").records.is_empty()


def test_a_comment_after_the_end_is_no_damage():
    """What a program signs its file with, after the last tag, is not taken for a cut."""
    text = gpx([trkpt(second) for second in range(5)]) + b"\n<!-- made by -->\n<!-- a program -->\n"
    assert parse_gpx(text).damage is None


def test_a_document_of_too_many_tags_is_refused():
    """A document larger than any recording is refused, not read into memory."""
    with pytest.raises(Rejected, match="larger"):
        parse_gpx(b"<gpx>" + b"<a/>" * 8_000_001 + b"</gpx>")


WHOLE = gpx(
    [trkpt(second, garmin_cadence(85)) for second in range(6)],
    [trkpt(second, garmin_cadence(86)) for second in range(30, 36)],
)
SENSORS = [name for name in Records.column_names() if name != "cadence_spm"]


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=len(WHOLE)))
def test_a_cut_file_keeps_a_prefix_of_the_points(cut):
    """Wherever a file is cut off, the whole points before the cut are read, and no half ones."""
    kept = parse_gpx(WHOLE[:cut])
    assert len(kept.records) == WHOLE[:cut].count(b"</trkpt>")
    assert_frame_equal(
        kept.records.select(SENSORS), parse_gpx(WHOLE).records[: len(kept.records)].select(SENSORS)
    )
    assert (kept.damage is None) == (cut == len(WHOLE))


@settings(deadline=None)
@given(st.integers(min_value=200, max_value=len(WHOLE) - 1), st.binary(min_size=1, max_size=8))
def test_damaged_bytes_never_raise(place, bytes_there):
    """Whatever bytes a file is damaged with, the result is a valid table or a stated refusal."""
    damaged = WHOLE[:place] + bytes_there + WHOLE[place + len(bytes_there) :]
    try:
        records = parse_gpx(damaged).records
    except Rejected:
        return
    Records.validate(records.select(Records.column_names()))
    assert isinstance(records, pl.DataFrame)
