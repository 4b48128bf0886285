"""Damaged files: what was sane is kept, and a person reads how much that is."""

import struct

import numpy as np
import pytest
from fit_bytes import (
    ENUM,
    FILE_ID_MESSAGES,
    RECORD,
    SESSION,
    T0,
    UINT8,
    UINT32,
    data,
    definition,
    fit,
    simple_run,
)
from hypothesis import given
from hypothesis import strategies as st
from xml_files import gpx, tcx, trackpoint, trkpt

from pipeline.ingest import read_activity
from pipeline.ingest.damage import _longest_forward

HOUR = simple_run(3601)
LAYOUT = definition(1, RECORD, [(253, 4, UINT32), (3, 1, UINT8)])
RUNNING = definition(2, SESSION, [(2, 4, UINT32), (7, 4, UINT32), (5, 1, ENUM)])


def warning(content):
    """The one warning that speaks of damage."""
    [said] = [text for text in read_activity("a", content).run.warnings if text.startswith("kept ")]
    return said


def beat(second, rate=100):
    """A record of that second."""
    return data(1, "IB", T0 + second, rate)


def test_a_cut_fit_file_says_how_much_was_kept():
    """2,461 of 3,601 records are 41 of 60 minutes, as the size in the header tells."""
    start = HOUR.index(beat(0))
    cut = HOUR[: start + 6 * 2461 + 2]
    place = f"{start + 6 * 2461:,}"
    assert warning(cut) == (
        f"kept 41 of about 60 minutes: the file breaks at byte {place} "
        "(the file is cut short in the middle of a message)"
    )


def test_what_the_session_says_goes_before_the_share_of_bytes():
    """A session before the records says 90 minutes, whatever the bytes suggest."""
    told = [RUNNING, data(2, "IIB", T0, 90 * 60_000, 1)]
    content = fit(FILE_ID_MESSAGES, *told, LAYOUT, *[beat(s) for s in range(1201)], b"\x09" * 20)
    assert warning(content).startswith("kept 20 of about 90 minutes: the file breaks at byte ")


def test_a_size_that_nobody_records_says_nothing():
    """A header that claims 4 GB is damaged as well: how long the run was is not known."""
    content = bytearray(HOUR[: HOUR.index(beat(0)) + 6 * 1201 + 2])
    content[4:8] = struct.pack("<I", 0xFFFFFF00)
    assert warning(bytes(content)).startswith("kept 20 minutes, how many there were is not known: ")


def test_a_cut_gpx_file_does_not_know_its_length():
    """Nothing in a GPX file says how long it was."""
    whole = gpx([trkpt(s) for s in range(1300)])
    cut = whole[: whole.index(trkpt(1201).encode()) + 30]
    assert warning(cut).startswith(
        "kept 20 minutes, how many there were is not known: the file breaks at byte "
    )


def test_a_gpx_file_with_a_broken_tag_is_kept_whole():
    """One broken tag costs its own value, and all minutes are there."""
    points = [trkpt(s) for s in range(1201)]
    points[600] = points[600].replace("</ele>", "</el>")
    assert warning(gpx(points)).startswith("kept 20 of about 20 minutes: the file breaks at byte ")


def test_a_cut_tcx_file_counts_its_laps():
    """Two whole laps of a minute say no more than the points, which are kept up to the cut."""
    laps = [[trackpoint(s) for s in range(60 * n, 60 * n + 60)] for n in range(3)]
    whole = tcx(*laps)
    cut = whole[: whole.index(trackpoint(150).encode()) + 9]
    assert warning(cut).startswith("kept 2.5 minutes, how many there were is not known: ")


def test_a_sound_file_says_nothing():
    """Without damage there is no such warning."""
    assert not any("kept" in text for text in read_activity("a", HOUR).run.warnings)


def test_one_misread_time_does_not_cost_the_records_after_it():
    """A flipped bit sends one record 136 years on; its neighbours before and after stay."""
    content = bytearray(HOUR)
    content[HOUR.index(beat(600)) + 4] ^= 0x40
    activity = read_activity("a", bytes(content))
    assert len(activity.records) == 3600
    assert "1 records whose time does not fit the others were left out" in activity.run.warnings


def test_records_a_day_off_behind_the_damage_go():
    """Two points dated a year later, after a broken tag, are no part of the run."""
    points = [trkpt(s) for s in range(100)]
    points[50] = points[50].replace("</ele>", "</el>")
    later = [trkpt(s).replace("2024", "2025") for s in (100, 101)]
    assert len(read_activity("a", gpx(points + later)).records) == 100


def test_the_longest_selection_is_found():
    """3 1 2 9 4 4 5 never decreases along 1 2 4 4 5."""
    assert _longest_forward(np.array([3, 1, 2, 9, 4, 4, 5])).tolist() == [1, 2, 4, 5, 6]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12))
def test_no_longer_selection_exists(values):
    """The selection goes only forward, and a plain quadratic search finds none that is longer."""
    rows = _longest_forward(np.array(values))
    chosen = [values[row] for row in rows]
    assert chosen == sorted(chosen)
    assert list(rows) == sorted(set(rows.tolist()))
    best = [1] * len(values)
    for i in range(len(values)):
        best[i] += max((best[j] for j in range(i) if values[j] <= values[i]), default=0)
    assert len(rows) == max(best)


@given(st.integers(200, len(HOUR) - 3))
def test_a_cut_anywhere_keeps_what_was_before_it(cut):
    """Every whole record before the cut is there, and the kept minutes are no more than the whole."""
    activity = read_activity("a", HOUR[:cut])
    assert len(activity.records) == (cut - HOUR.index(beat(0))) // 6
    said = [text for text in activity.run.warnings if text.startswith("kept ")]
    assert len(said) == (activity.damage is not None)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("odd/choochoo__8CS90646.FIT", "kept 23 of about 79 minutes: the file breaks at byte 28,050 "),
        (
            "odd/choochoo__event_timestamp.fit",
            "kept 74 of about 110 minutes: the file breaks at byte 59,901 ",
        ),
        (
            "odd/python-fitparse__strava-android-app-201.10-b1218918.fit",
            "kept 5 of about 59 minutes: the file breaks at byte 7,471 ",
        ),
    ],
)
def test_real_damaged_files_say_what_was_kept(corpus, path, said):
    """Real files that break in the middle say so."""
    assert warning((corpus / path).read_bytes()).startswith(said)
