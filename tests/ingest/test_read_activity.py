"""From a file's bytes to an activity, or to a sentence that says why not."""

import csv
import gzip
import io
import zipfile
from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xml_files import gpx, tcx, time_at, trackpoint, trkpt

from pipeline.errors import NotARun, Rejected, SurefootError
from pipeline.ingest import check_run, read_activity
from pipeline.tables import CADENCE_UNITS, Records

RUN = gpx([trkpt(second) for second in range(100)])
TREADMILL = tcx([trackpoint(s, f"<DistanceMeters>{3 * s}</DistanceMeters>") for s in range(100)])
UNSAID = gpx([trkpt(second) for second in range(100)], kind="")


def zipped(*contents):
    """A zip of these contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.bin", content)
    return buffer.getvalue()


def outcome(content):
    """What becomes of a content: a status and its reason; a run is checked against the contract."""
    try:
        activity = read_activity("a", content)
        check_run(activity)
    except SurefootError as error:
        return type(error).__name__, error.reason
    Records.validate(activity.records.select(Records.column_names()))
    assert activity.run.local_date is not None
    assert activity.run.cadence_unit in CADENCE_UNITS
    return "run", activity.run.cadence_unit_reason


@pytest.mark.parametrize("name", ["run.gpx", "run.fit", "run", "run.tcx", ""])
@pytest.mark.parametrize("wrap", [bytes, gzip.compress, zipped])
def test_the_content_decides_and_never_the_name(name, wrap):
    """GPX is GPX under any name, also inside gzip and a zip of one file."""
    activity = read_activity(name, wrap(RUN))
    assert activity.run.source_format == "gpx"
    assert len(activity.records) == 100
    check_run(activity)


def test_the_day_of_the_runner_is_filled_in():
    """The position tells the local day and offset: two to three hours west of Greenwich at sea."""
    run = read_activity("a", RUN).run
    assert run.local_date == date(2024, 5, 4)
    assert -3 * 3600 <= run.utc_offset_s <= -2 * 3600


def test_a_run_without_position_or_zone_says_so():
    """A treadmill file is a run, with the warning that its day is that of UTC."""
    run = read_activity("a", TREADMILL).run
    assert run.local_date == date(2024, 5, 4)
    assert "neither a time zone nor a position: the day is that of UTC" in run.warnings


TIMELESS = gpx(['<trkpt lat="30" lon="-40"/>'])
OLD = gpx([trkpt(0).replace("2024", "1970")])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\0" * 5000, "the file is empty"),
        (b" \n", "the file is empty"),
        (b"date,drill,minutes\n2024-05-04,one leg,5\n", "it is neither FIT nor GPX nor TCX"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "it is neither FIT nor GPX nor TCX"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "it is a web page, not a recording"),
        (b'<?xml version="1.0"?><kml><Document/></kml>', "it is XML of another kind (kml)"),
        (b"<gpx></gpx>", "it holds no records"),
        (RUN[:180], "it holds no records: it is damaged at byte 0"),
        (b"<gpx><rte><rtept lat='1' lon='2'/></rte></gpx>", "it holds no records"),
        (TIMELESS, "none of its records has a time: a planned route, or stripped"),
        (OLD, "it is dated 1970: the clock was not set"),
        (zipped(), "it is an archive without files"),
        (zipped(RUN, RUN), "it is an archive of several files"),
        (zipped(b""), "the file is empty"),
        (gzip.compress(RUN)[:-200], "the gzip archive is cut off or damaged"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(content, reason):
    """Each kind of unusable file has its own reason, and an advice."""
    with pytest.raises(Rejected) as raised:
        read_activity("a", content)
    assert raised.value.reason == reason
    assert raised.value.advice


def test_what_is_no_recording_is_skipped():
    """A course is sound, and no recording."""
    course = b"<TrainingCenterDatabase><Courses><Course/></Courses></TrainingCenterDatabase>"
    with pytest.raises(NotARun, match="it is a course file, not a recording"):
        read_activity("a", course)


@pytest.mark.parametrize(
    "kind", ["running", "trail_running", "treadmill_running", "track_running", "virtual_run", "9"]
)
def test_runs_of_every_kind_are_runs(kind):
    """Trail, treadmill, track and virtual runs are runs."""
    check_run(read_activity("a", gpx([trkpt(0)], kind=kind)))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("hiking", "the sport is hiking, not running"),
        ("Ride", "the sport is cycling, not running"),
        ("open_water_swimming", "the sport is swimming, not running"),
        ("wheelchair_push_run", "the sport is wheelchair, not running"),
        ("16", "the sport is the file's number 16, not running"),
    ],
)
def test_other_sports_are_skipped_by_name(kind, reason):
    """A hike, a ride and a swim are named as what they are."""
    activity = read_activity("a", gpx([trkpt(0)], kind=kind))
    with pytest.raises(NotARun) as raised:
        check_run(activity)
    assert raised.value.reason == reason


def test_an_unsaid_sport_at_a_runner_s_speed_is_a_run_with_a_warning():
    """3 m/s without a sport is taken for a run, and the runner is told."""
    activity = read_activity("a", UNSAID)
    check_run(activity)
    assert activity.run.warnings == ("the file does not say its sport: speed and cadence are those of a run",)


@pytest.mark.parametrize(
    ("pace", "reason"),
    [
        (0.4, "its usual speed of 1.2 m/s is not a runner's"),
        (3, "it goes faster than 9.0 m/s for 5 % of the time"),
        (0, "it moves too little to tell"),
    ],
)
def test_an_unsaid_sport_at_another_speed_is_none(pace, reason):
    """A walk, a ride and a rest without a sport are not taken for runs, and the reason is given."""
    points = [trkpt(s, lat=f"{30 + s * pace * 3 / 111_195:.7f}") for s in range(100)]
    with pytest.raises(NotARun) as raised:
        check_run(read_activity("a", gpx(points, kind="")))
    assert raised.value.reason == f"its sport is not given, and {reason}"


def test_a_speed_that_is_always_zero_is_no_speed():
    """Where a program wrote 0 for every speed, positions tell it."""
    points = [trkpt(second, "<speed>0</speed>") for second in range(100)]
    check_run(read_activity("a", gpx(points, kind="")))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_a_sentence(content):
    """No content whatever ends in anything but an activity or one of the two errors for people."""
    assert outcome(content)[1]


@settings(deadline=None)
@given(
    st.integers(0, len(RUN)),
    st.sampled_from([time_at(3).encode(), b"trkpt", b"<gpx", b"lat=", b"\0"]),
    st.binary(),
)
def test_any_damage_is_read_or_refused_in_a_sentence(cut, old, new):
    """Cuts and replacements anywhere in a file end the same way."""
    assert outcome(RUN[:cut].replace(old, new))[1]


def test_every_real_file_is_a_run_or_has_a_reason(corpus):
    """All recordings of the corpus are read, skipped or refused, and those marked as runs are runs.

    A file that its independent reader took for a run may be refused only for want of records or times.
    """
    with (corpus / "index.csv").open() as file:
        rows = list(csv.DictReader(file))
    counts: Counter[str] = Counter()
    wanting = ("it holds no records", "none of its records has a time: the clock was not set")
    for row in rows:
        status, reason = outcome((corpus / row["path"]).read_bytes())
        counts[status] += 1
        if row["sport"].lower() in ("running", "trail_running", "run", "9") and not row["reader_error"]:
            assert status == "run" or reason in wanting, row["path"]
    assert counts.total() == len(rows)
    assert counts["run"] > 400
