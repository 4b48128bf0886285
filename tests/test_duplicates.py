"""The same run recorded twice."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.duplicates import find_duplicates

START = datetime(2025, 6, 1, 8, 0, tzinfo=UTC)


def runs(*rows: tuple[str, float, float, float, str]) -> pl.DataFrame:
    """Runs of (id, seconds after START, distance, quality, format), each an hour long."""
    return pl.DataFrame(
        [
            {
                "run_id": run_id,
                "start_time": START + timedelta(seconds=offset),
                "distance_m": distance,
                "moving_s": 3600.0,
                "quality": quality,
                "source_format": source_format,
            }
            for run_id, offset, distance, quality, source_format in rows
        ]
    )


def test_the_better_cadence_is_kept() -> None:
    """Half a minute and 50 m apart is the same run; the one with more good cadence stays."""
    assert find_duplicates(runs(("a", 0, 10_000, 0.7, "fit"), ("b", 30, 10_050, 0.9, "gpx"))) == {"a": "b"}


def test_fit_before_tcx_before_gpx() -> None:
    """Of equal recordings the format decides."""
    got = find_duplicates(runs(("a", 0, 9e3, 1, "gpx"), ("b", 0, 9e3, 1, "fit"), ("c", 1, 9e3, 1, "tcx")))
    assert got == {"a": "b", "c": "b"}


def test_two_runs_of_a_morning_are_two() -> None:
    """An hour apart, or at once but of another length, is another run."""
    assert find_duplicates(runs(("a", 0, 9e3, 1, "fit"), ("b", 3600, 9e3, 1, "fit"))) == {}
    assert find_duplicates(runs(("a", 0, 9e3, 1, "fit"), ("b", 10, 5e3, 1, "fit"))) == {}


@given(st.permutations(range(4)))
def test_the_order_of_reading_does_not_matter(order: list[int]) -> None:
    """Whatever the order of the rows, the same recordings are set aside."""
    rows = [
        ("a", 0, 9e3, 1, "gpx"),
        ("b", 5, 9e3, 1, "fit"),
        ("c", 9e3, 5e3, 1, "fit"),
        ("d", 9e3, 5e3, 0.5, "fit"),
    ]
    assert find_duplicates(runs(*(rows[i] for i in order))) == {"a": "b", "d": "c"}


def test_runs_of_one_file_are_never_the_same() -> None:
    """Two sessions of one file that begin within a minute are two runs."""
    assert find_duplicates(runs(("a", 0, 50, 1, "fit"), ("a-2", 40, 60, 1, "fit"))) == {}


def test_a_file_is_set_aside_whole_or_not_at_all() -> None:
    """Of a file of two runs and a better file of one of them the first is kept; a copy of both goes."""
    pair = [("a", 0, 9e3, 0.7, "tcx"), ("a-2", 4e3, 9e3, 0.7, "tcx")]
    assert find_duplicates(runs(*pair, ("b", 4e3, 9e3, 1, "fit"))) == {"b": "a-2"}
    copy = [("c", 0, 9e3, 0.9, "fit"), ("c-2", 4e3, 9e3, 0.9, "fit")]
    assert find_duplicates(runs(*pair, *copy)) == {"a": "c", "a-2": "c-2"}
