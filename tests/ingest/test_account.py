"""Whole-account exports: what Strava's list of activities says, and what is no recording."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xml_files import gpx, trkpt

from pipeline.errors import NotARun, Rejected
from pipeline.ingest import check_run, parse_activity_list, read_activity

LIST = (
    "Activity ID,Activity Date,Activity Name,Activity Type,Activity Description,Elapsed Time,Filename\n"
    '1,"May 4, 2024, 9:00:00 AM","Hill, twice",Run,"two\nlines",100,activities/11.gpx.gz\n'
    "2,x,Loop,Hike,,100,activities/12.gpx\n"
    "3,x,By hand,Run,,100,\n"
)
UNSAID = gpx([trkpt(second) for second in range(100)], kind="")
SLOW = gpx([trkpt(s, lat=f"{30 + s * 1.2 / 111_195:.7f}") for s in range(100)], kind="")


def test_each_file_has_its_kind():
    """A list of a gzipped run, a hike and an entry by hand: two files, named without .gz."""
    expected = {"activities/11.gpx": ("Run", "Hill, twice"), "activities/12.gpx": ("Hike", "Loop")}
    assert parse_activity_list(LIST.encode()) == expected
    assert parse_activity_list(b"\xef\xbb\xbf" + LIST.encode()) == expected


def test_headers_in_another_language_do_not_matter():
    """The kind stands in the fourth column in every language."""
    german = LIST.replace("Activity Type", "Aktivitätsart").replace("Filename", "Dateiname")
    assert len(parse_activity_list(german.encode())) == 2


@pytest.mark.parametrize(
    "content", [b"", b"date,drill,minutes\n2024-05-04,one leg,5\n", b"\0\xff\n", b'"' * 99]
)
def test_another_table_says_nothing(content):
    """A balance log, nothing and noise are no list of activities."""
    assert parse_activity_list(content) == {}


def test_the_list_tells_the_sport_that_a_file_does_not():
    """A slow file without a sport is a run where the list says so, and is none where it says a hike."""
    activity = read_activity("a.gpx", SLOW, kind="Trail Run")
    check_run(activity)
    assert (activity.run.sport, activity.run.sub_sport) == ("running", "trail")
    assert "the file does not say its sport: it is that of activities.csv" in activity.run.warnings
    with pytest.raises(NotARun, match="the sport is hiking"):
        check_run(read_activity("a.gpx", UNSAID, kind="Hike"))


def test_what_the_file_says_goes_before_the_list():
    """A ride stays a ride."""
    ride = gpx([trkpt(second) for second in range(100)], kind="cycling")
    assert read_activity("a.gpx", ride, kind="Run").run.sport == "cycling"


@pytest.mark.parametrize("kind", ["Lauf", "Workout", "", "Other"])
def test_a_kind_that_is_not_known_leaves_it_to_the_evidence(kind):
    """In another language, or too general, the list says nothing: speed decides."""
    assert read_activity("a.gpx", UNSAID, kind=kind).run.sport == "running"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("export/activities.csv", LIST.encode()),
        ("export/README.txt", b"Hello"),
        ("export/media/1.JPG", b"\xff\xd8\xff\xe0" + b"\0" * 50),
        ("DI_CONNECT/summarizedActivities.json", b'[{"sport": "RUNNING"}]'),
        ("profile.html", b"<!DOCTYPE html><html/>"),
        ("shoes.csv", b""),
    ],
)
def test_what_lies_beside_recordings_is_skipped_for_one_reason(name, content):
    """Tables, texts, pictures and JSON of an export are no recordings, and no failures either."""
    with pytest.raises(NotARun) as raised:
        read_activity(name, content)
    assert raised.value.reason == "it is a picture, a table or a text, not a recording"


def test_the_name_excuses_no_recording():
    """Noise that calls itself FIT is refused; a run that calls itself a picture is read."""
    with pytest.raises(Rejected, match="neither FIT nor GPX nor TCX"):
        read_activity("1.fit", LIST.encode())
    check_run(read_activity("1.jpg", UNSAID))


@given(st.lists(st.tuples(st.text(max_size=20), st.sampled_from(["Run", "Ride", "Lauf"])), max_size=8))
def test_no_name_of_an_activity_shifts_the_list(entries):
    """Whatever people call their activities, quotes, commas and line ends included, each has its kind."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["id", "date", "name", "type", "description", "file"])
    for number, (name, kind) in enumerate(entries):
        writer.writerow([number, "x", name, kind, name, f"activities/{number}.fit.gz"])
    listed = {f"activities/{number}.fit": (kind, name.strip()) for number, (name, kind) in enumerate(entries)}
    assert parse_activity_list(buffer.getvalue().encode("utf-8", "replace")) == listed


@given(st.binary(max_size=300))
def test_no_bytes_break_the_list(content):
    """Any bytes whatever give a table of kinds, empty most of the time."""
    assert isinstance(parse_activity_list(content), dict)
