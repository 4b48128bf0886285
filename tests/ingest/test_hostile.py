"""What fuzzing found, and files made to cost far more than their size: each built by hand."""

import struct
import tracemalloc
from contextlib import suppress

import pytest
from fit_bytes import (
    DESCRIPTION,
    ENUM,
    EVENT,
    FILE_ID_MESSAGES,
    RECORD,
    SESSION,
    STRING,
    T0,
    UINT8,
    UINT32,
    data,
    definition,
)
from xml_files import gpx, tcx, trackpoint, trkpt

from pipeline.errors import Rejected
from pipeline.ingest import Damage, read_activity, running_sessions
from pipeline.ingest.fit import parse_fit
from pipeline.ingest.gpx import parse_gpx
from pipeline.ingest.tcx import parse_tcx
from pipeline.kinematics import derive_motion
from tests.fuzz import LIMIT_BYTES, LIMIT_TIMES, measure

MB = 2**20


def fit(*messages):
    """A FIT file whose checksum nobody works out."""
    body = b"".join(messages)
    return struct.pack("<BBHI4s", 14, 0x20, 2100, len(body), b".FIT") + b"\0\0" + body + b"\0\0"


def filled(head, piece, tail=b"", size=10 * MB):
    """Ten megabytes of one thing."""
    return head + piece * (size // len(piece)) + tail


def test_an_entity_in_a_point_is_no_channel():
    """An entity that nobody declared, a comment and an instruction cost nothing but themselves."""
    points = [trkpt(s) for s in range(9)]
    points[4] = points[4].replace("<ele>", "&a;<!--b--><?c d?><ele>")
    assert len(parse_gpx(gpx(points)).records) == 9
    text = tcx([trackpoint(0), trackpoint(1, "&a;"), trackpoint(2)])
    assert len(read_activity("a", text).records) == 3


@pytest.mark.parametrize("year", ["0000", "-99999", "99999", "9999"])
def test_a_year_beyond_every_calendar_is_no_time(year):
    """A time in the year 0 or 99999 is left out, the others stay."""
    points = [trackpoint(s) for s in range(9)]
    for spoilt in (0, 4, 8):
        points[spoilt] = points[spoilt].replace("2024", year)
    times = read_activity("a", tcx(points[:4], points[4:])).records["timestamp"]
    assert (len(times), times.null_count()) == (9, 3)


def test_sessions_without_number_are_bounded():
    """Of 100,000 sessions in one file a thousand are looked at."""
    layout = definition(1, SESSION, [(2, 4, UINT32), (5, 1, ENUM)])
    beat = definition(2, RECORD, [(253, 4, UINT32), (3, 1, UINT8)])
    beats = [data(2, "IB", T0 + s, 100) for s in range(4000)]
    told = [data(1, "IB", T0 + 2 * s, 1) for s in range(100_000)]
    assert (
        len(running_sessions(read_activity("a", fit(FILE_ID_MESSAGES, beat, *beats, layout, *told)))) <= 1000
    )


def test_a_document_of_tags_is_refused():
    """Tags and attributes without content are no recording, however many there are."""
    for piece in (b"<a/>", b"<trkpt/>", b"<Lap/>", b'<a b=""/>'):
        with pytest.raises(Rejected, match="more tags than a recording of its size"):
            parse_gpx(filled(b"<gpx><trk><trkseg>", piece, b"</trkseg></trk></gpx>", size=2 * MB))


@pytest.mark.parametrize("piece", [b"<Activity/>", b"<Lap     />", b"<Track    />", b"<Creator />"])
def test_activities_and_laps_without_number_are_refused(piece):
    """A document of a million activities, laps or tracks is refused at the 20,001st, with the reason."""
    content = filled(
        b"<TrainingCenterDatabase><Activities>", piece, b"</Activities></TrainingCenterDatabase>"
    )
    name = piece.strip(b"</ >").decode()
    with pytest.raises(Rejected, match=f"more elements {name} than a recording of its size"):
        parse_tcx(content)


def test_points_without_content_are_refused():
    """A document of empty points is refused; as many with a time are read."""
    with pytest.raises(Rejected, match="more elements trkpt than a recording of its size"):
        parse_gpx(filled(b"<gpx><trk><trkseg>", b"<trkpt    />", b"</trkseg></trk></gpx>", size=2 * MB))
    shortest = b'<trkpt lat="1" lon="2"><time>2024-05-04T09:00:00Z</time></trkpt>'
    whole = filled(b"<gpx><trk><trkseg>", shortest, b"</trkseg></trk></gpx>", size=2 * MB)
    assert len(parse_gpx(whole).records) == 2 * MB // len(shortest)


STAMPED = (253, 4, UINT32)
HOSTILE = {
    "empty points": filled(b"<TrainingCenterDatabase><Activities><Activity>", b"<Trackpoint/>"),
    "records of six bytes": fit(
        filled(definition(1, RECORD, [STAMPED, (3, 1, UINT8)]), data(1, "IB", T0, 100))
    ),
    "records of two bytes": fit(filled(definition(1, RECORD, [(3, 1, UINT8)]), b"\1\144")),
    "records of texts": fit(
        filled(definition(1, RECORD, [(253, 4, STRING), (3, 1, UINT8)]), data(1, "4sB", b"abc", 1))
    ),
    "records of lists": fit(
        filled(definition(1, RECORD, [(39, 2, UINT8), (73, 2, UINT8), (3, 1, UINT8)]), b"\1\2\3\4\5\6")
    ),
    "events": fit(filled(definition(1, EVENT, [STAMPED, (0, 1, ENUM)]), data(1, "IB", T0, 0))),
    "sessions": fit(filled(definition(1, SESSION, [(2, 4, UINT32), (5, 1, ENUM)]), data(1, "IB", T0, 1))),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_ten_megabytes_of_anything_stay_within_bounds(content):
    """Files that hold one thing a million times cost no more memory than 20 times their size and 64 MB."""
    grown, _ = measure(content)
    assert grown <= LIMIT_BYTES + LIMIT_TIMES * len(content)


def test_what_there_is_no_room_for_is_told():
    """Lists by the hundred thousand are left out with a warning, the plain channels stay."""
    lists = filled(
        definition(1, RECORD, [STAMPED, (39, 2, UINT8), (3, 1, UINT8)]), b"\1" + b"\2" * 7, size=4 * MB
    )
    activity = parse_fit(fit(lists))
    assert "more channels than a recording of its size can hold: some were left out" in activity.run.warnings
    assert activity.records["heart_rate_bpm"].to_list()[:2] == [2, 2]
    assert (
        "more messages than a recording of its size can hold: the last were left out" in activity.run.warnings
    )


HEART_RATE, CADENCE = (definition(0, RECORD, [(field, 1, UINT8)]) for field in (3, 4))
LAYOUTS = {
    "one definition again and again": HEART_RATE * 40_000,
    "as many layouts as messages": b"".join(
        definition(0, RECORD, [(n & 255, 1, UINT8), (n >> 8, 1, UINT8)]) + b"\0\1\1" for n in range(20_000)
    ),
    "a definition before each message": (HEART_RATE + b"\0\1" + CADENCE + b"\0\1") * 15_000,
    "messages without fields": definition(0, RECORD, []) + b"\0" * 2 * MB,
    "descriptions of developer fields": definition(0, DESCRIPTION, [(0, 1, UINT8), (1, 1, UINT8)])
    + b"".join(bytes([0, n & 255, n >> 8 & 255]) for n in range(400_000)),
}


def with_developer_field(message, number):
    """A definition with one developer field more."""
    return bytes([message[0] | 0x20]) + message[1:] + bytes([1, number, 1, 0])


DESCRIBED = definition(1, DESCRIPTION, [(0, 1, UINT8), (1, 1, UINT8), (2, 1, UINT8)])
WIDE = {
    "160,000 definitions, each with a message": (HEART_RATE + b"\0\1") * 160_000,
    "160,000 definitions without fields": (definition(0, RECORD, []) + b"\0") * 160_000,
    "160,000 definitions of a stamp": (definition(0, RECORD, [STAMPED]) + b"\0\1\2\3\4") * 160_000,
    "each record with another of 256 developer fields": DESCRIBED
    + b"".join(
        bytes([1, 0, n & 255, 2]) + with_developer_field(HEART_RATE, n & 255) + b"\0\1\2"
        for n in range(60_000)
    ),
}


@pytest.mark.parametrize("body", WIDE.values(), ids=WIDE)
def test_reading_takes_twenty_times_the_size_and_a_fixed_16_mb(body):
    """However definitions and records are mixed, all of the process grows by no more while it reads."""

    def read(content):
        with suppress(Rejected):
            parse_fit(content)
        return "read"

    content = fit(body)
    measure(fit(HEART_RATE + b"\0\1"), read)
    grown, _ = measure(content, read)
    assert grown <= 16 * MB + LIMIT_TIMES * len(content)


def beats(n, apart_s):
    """That many records of a heart beat."""
    layout = definition(1, RECORD, [STAMPED, (3, 1, UINT8)])
    return layout + b"".join(data(1, "IB", T0 + apart_s * s, 100) for s in range(n))


def test_a_track_takes_300_bytes_a_second_however_few_the_records_are():
    """Records ten seconds apart make ten times as many seconds: these are what memory goes by."""
    session = definition(2, SESSION, [(2, 4, UINT32), (5, 1, ENUM)]) + data(2, "IB", T0, 1)
    grown, outcome = measure(fit(session, beats(40_000, 10)))
    assert outcome == "run"
    assert grown <= 16 * MB + 300 * 400_000


def test_a_recording_of_weeks_is_refused_before_its_seconds_are_made():
    """Records of 700 kB that claim 12 days and a half of seconds cost what their reading costs."""
    activity = parse_fit(fit(beats(108_000, 10)))
    with pytest.raises(Rejected, match=r"it records 12\.5 days, and more than 12 are no run"):
        derive_motion(activity.recorded.samples, activity.timer_events)


@pytest.mark.parametrize("body", LAYOUTS.values(), ids=LAYOUTS)
def test_definitions_cost_no_more_than_twenty_times_their_size(body):
    """Definitions without end, however they are mixed with messages, take 20 times their size at most."""
    content = fit(body)
    parse_fit(fit(HEART_RATE + b"\0\1"))
    tracemalloc.start()
    with suppress(Rejected):
        parse_fit(content)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most <= LIMIT_TIMES * len(content)


def test_more_layouts_than_any_device_are_damage():
    """A file that defines a new layout for every message is read up to the hundredth, and says so."""
    pairs = (definition(0, RECORD, [(3, 1, UINT8), (n, 1, UINT8)]) + b"\0\7\1" for n in range(101))
    activity = parse_fit(fit(*pairs))
    assert activity.records["heart_rate_bpm"].to_list() == [7] * 101
    pairs = (definition(0, RECORD, [(3, 1, UINT8), (n, 1, UINT8)]) + b"\0\7\1" for n in range(200))
    activity = parse_fit(fit(*pairs))
    assert len(activity.records) == 103
    assert activity.damage == Damage(14 + 103 * 15, "more than 103 different layouts of messages")
