"""TCX files, whole and broken."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from xml_files import START, tcx, tpx, trackpoint

from pipeline.errors import Rejected
from pipeline.ingest.tcx import parse_tcx
from pipeline.tables import Records

POSITION = (
    "<Position><LatitudeDegrees>30.0</LatitudeDegrees><LongitudeDegrees>-40.0</LongitudeDegrees></Position>"
)
CREATOR = (
    "<Creator><Name>A Watch 9</Name><Version><VersionMajor>3</VersionMajor>"
    "<VersionMinor>10</VersionMinor></Version></Creator>"
)


def test_a_point_worked_out_by_hand():
    """One point gives its time, position, altitude, distance and sensors, in the table's units."""
    inside = (
        f"{POSITION}<AltitudeMeters>12.5</AltitudeMeters><DistanceMeters>3.0</DistanceMeters>"
        "<HeartRateBpm><Value>140</Value></HeartRateBpm>"
        + tpx("<Speed>2.8</Speed><RunCadence>86</RunCadence><Watts>250</Watts>")
    )
    assert parse_tcx(tcx([trackpoint(0, inside)])).records.row(0, named=True) == {
        "timestamp": START,
        "lat_deg": 30.0,
        "lon_deg": -40.0,
        "altitude_m": 12.5,
        "distance_m": 3.0,
        "speed_mps": 2.8,
        "cadence_spm": 172.0,
        "heart_rate_bpm": 140.0,
        "power_w": 250.0,
    }


def test_the_file_tells_device_firmware_and_sport():
    """Creator and Sport become device, firmware and the FIT profile's sport."""
    run = parse_tcx(tcx([trackpoint(0)], after=CREATOR)).run
    assert (run.device, run.firmware, run.sport) == ("A Watch 9", "3.10", "running")


@pytest.mark.parametrize(("sport", "name"), [("Running", "running"), ("Biking", "cycling"), ("Other", "")])
def test_the_three_sports_of_the_format(sport, name):
    """TCX knows three sports, of which one says nothing."""
    assert parse_tcx(tcx([trackpoint(0)], sport=sport)).run.sport == name


def test_a_foot_s_cadence_goes_before_a_bike_s():
    """Where a point has Cadence and RunCadence, the latter counts."""
    both = "<Cadence>60</Cadence>" + tpx("<RunCadence>85</RunCadence>")
    activity = parse_tcx(tcx([trackpoint(0, both), trackpoint(1, "<Cadence>84</Cadence>")]))
    assert activity.records["cadence_spm"].to_list() == [170, 168]


def test_laps_are_kept_and_their_borders_are_no_pause():
    """Each lap is a row of `laps`; a lap that begins with the next second does not stop the timer."""
    activity = parse_tcx(tcx([trackpoint(0), trackpoint(1)], [trackpoint(2), trackpoint(3)]))
    assert activity.laps.rows() == [(START, 60.5, 180.0)] * 2
    assert activity.timer_events["event_type"].to_list() == ["start", "stop"]


def test_a_treadmill_needs_no_positions():
    """Points without a position have their distance and cadence all the same."""
    points = [
        trackpoint(s, f"<DistanceMeters>{3 * s}</DistanceMeters><Cadence>85</Cadence>") for s in range(90)
    ]
    activity = parse_tcx(tcx(points))
    assert activity.records["lat_deg"].count() == 0
    assert activity.records["distance_m"].to_list() == [3.0 * s for s in range(90)]
    assert activity.run.cadence_unit == "strides_per_minute"


def test_values_of_unknown_elements_are_not_taken():
    """A `Value` of some vendor's element is no heart rate."""
    activity = parse_tcx(tcx([trackpoint(0, "<Vendor><Value>140</Value></Vendor>")]))
    assert activity.records["heart_rate_bpm"].to_list() == [None]


def test_a_missing_root_is_forgiven():
    """A file whose outermost element was lost is read from Activities on."""
    whole = tcx([trackpoint(second) for second in range(5)])
    inner = whole[whole.index(b"<Activities>") : whole.index(b"</TrainingCenterDatabase>")]
    assert len(parse_tcx(inner).records) == 5


@pytest.mark.parametrize(
    ("inside", "kind"),
    [
        (b"<Courses><Course><Name>n</Name></Course></Courses>", "course"),
        (b"<Workouts><Workout Sport='Running'><Name>n</Name></Workout></Workouts>", "workout"),
    ],
)
def test_courses_and_workouts_are_no_recordings(inside, kind):
    """A file without activities says what it is."""
    document = b"<TrainingCenterDatabase>" + inside + b"</TrainingCenterDatabase>"
    assert parse_tcx(document).run.file_kind == kind


def test_several_sports_are_kept_apart():
    """A file of two activities has both in `sessions`, and is multisport."""
    ride, run = tcx([trackpoint(0)], sport="Biking"), tcx([trackpoint(60)], sport="Running")
    second = run[run.index(b"<Activity ") : run.index(b"</Activities>")]
    activity = parse_tcx(ride.replace(b"</Activities>", second + b"</Activities>"))
    assert activity.run.sport == "multisport"
    assert activity.sessions["sport"].to_list() == ["cycling", "running"]


def test_a_document_type_is_refused():
    """An external entity is refused before anything is parsed."""
    document = b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + tcx([trackpoint(0)])[39:]
    with pytest.raises(Rejected, match="document type"):
        parse_tcx(document)


WHOLE = tcx(
    [trackpoint(second, POSITION + tpx("<RunCadence>85</RunCadence>")) for second in range(5)],
    [trackpoint(second, POSITION + tpx("<RunCadence>86</RunCadence>")) for second in range(5, 9)],
    after=CREATOR,
)
SENSORS = [name for name in Records.column_names() if name != "cadence_spm"]


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=len(WHOLE)))
def test_a_cut_file_keeps_a_prefix_of_the_points(cut):
    """Wherever a file is cut off, the whole points before the cut are read, and no half ones."""
    kept = parse_tcx(WHOLE[:cut])
    assert len(kept.records) == WHOLE[:cut].count(b"</Trackpoint>")
    assert_frame_equal(
        kept.records.select(SENSORS), parse_tcx(WHOLE).records[: len(kept.records)].select(SENSORS)
    )
    assert (kept.damage is None) == (cut == len(WHOLE))
