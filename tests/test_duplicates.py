"""The same run recorded twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline import analyse_run, read_activity
from pipeline.duplicates import find_duplicates

START = datetime(2025, 6, 1, 8, 0, tzinfo=UTC)


def runs(*rows: tuple[str, float, float, float, str], sub_sports: tuple[str, ...] = ()) -> pl.DataFrame:
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
                "sub_sport": sub_sport,
            }
            for (run_id, offset, distance, quality, source_format), sub_sport in zip(
                rows, sub_sports or ("generic",) * len(rows), strict=True
            )
        ]
    )


def test_the_better_cadence_is_kept() -> None:
    """Half a minute and 50 m apart is the same run; the one with more good cadence stays."""
    assert find_duplicates(runs(("a", 0, 10_000, 0.7, "fit"), ("b", 30, 10_050, 0.9, "gpx"))) == {"a": "b"}


def test_fit_before_tcx_before_gpx() -> None:
    """Of equal recordings the format decides."""
    got = find_duplicates(runs(("a", 0, 9e3, 1, "gpx"), ("b", 0, 9e3, 1, "fit"), ("c", 1, 9e3, 1, "tcx")))
    assert got == {"a": "b", "c": "b"}


def test_a_little_more_cadence_does_not_outweigh_the_format() -> None:
    """FIT stays where a GPX has 5 % more good seconds, and goes where it has 20 % more."""
    assert find_duplicates(runs(("a", 0, 9e3, 0.9, "fit"), ("b", 0, 9e3, 0.95, "gpx"))) == {"b": "a"}
    assert find_duplicates(runs(("a", 0, 9e3, 0.75, "fit"), ("b", 0, 9e3, 0.95, "gpx"))) == {"a": "b"}


def test_a_treadmill_and_a_trail_are_two_runs() -> None:
    """Begun in the same minute and as long, a run indoors is not one outdoors, but may be its own export."""
    pair = (("a", 0, 9e3, 1, "fit"), ("b", 20, 9e3, 1, "tcx"))
    assert find_duplicates(runs(*pair, sub_sports=("treadmill", "trail"))) == {}
    assert find_duplicates(runs(*pair, sub_sports=("treadmill", ""))) == {"b": "a"}
    gpx = (("a", 0, 9e3, 1, "fit"), ("b", 20, 9e3, 1, "gpx"))
    assert find_duplicates(runs(*gpx, sub_sports=("treadmill", ""))) == {}


def test_the_edges_of_the_same_run() -> None:
    """60 s and 5 % apart is the same run, 61 s or 5.1 % another; below 2 km 100 m count."""
    assert find_duplicates(runs(("a", 0, 10_000, 1, "fit"), ("b", 60, 9_500, 1, "fit"))) == {"b": "a"}
    assert find_duplicates(runs(("a", 0, 10_000, 1, "fit"), ("b", 61, 10_000, 1, "fit"))) == {}
    assert find_duplicates(runs(("a", 0, 10_000, 1, "fit"), ("b", 6, 9_490, 1, "fit"))) == {}
    assert find_duplicates(runs(("a", 0, 1_000, 1, "fit"), ("b", 6, 900, 1, "fit"))) == {"b": "a"}


def test_nobody_begins_two_runs_at_once() -> None:
    """Of recordings that begin within 5 s the longer stays: the other is damaged, or was stopped early."""
    whole, cut = ("a", 0, 10_000, 1, "fit"), ("b", 5, 4_000, 0.3, "fit")
    assert find_duplicates(runs(whole, cut)) == {"b": "a"}
    assert find_duplicates(runs(whole, cut, sub_sports=("trail", "treadmill"))) == {}


def test_two_runs_of_a_morning_are_two() -> None:
    """An hour apart, or in the same minute but of another length, is another run."""
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


RECORDINGS = st.lists(
    st.tuples(
        st.sampled_from([0, 20, 50, 70, 110, 4000]),
        st.sampled_from([9000.0, 9300.0, 9700.0, 12_000.0]),
        st.sampled_from([0.0, 0.7, 0.95, 1.0]),
        st.sampled_from(["fit", "gpx", "tcx"]),
    ),
    max_size=8,
)


@given(RECORDINGS, st.randoms())
def test_any_recordings_in_any_order(
    recordings: list[tuple[float, float, float, str]], random: Random
) -> None:
    """The order never matters; who is kept is never set aside; both are the same run as the first of it."""
    rows = [(f"r{i}", *recording) for i, recording in enumerate(recordings)]
    facts = {row[0]: row for row in rows}
    found = find_duplicates(runs(*rows)) if rows else {}
    shuffled = random.sample(rows, len(rows))
    assert (find_duplicates(runs(*shuffled)) if rows else {}) == found
    assert not set(found) & set(found.values())

    def same(a: str, b: str) -> bool:
        apart_s, apart_m = (abs(facts[a][k] - facts[b][k]) for k in (1, 2))
        return apart_s <= 5 or (apart_s <= 60 and apart_m <= 0.05 * max(facts[a][2], facts[b][2]))

    for aside, kept in found.items():
        assert any(same(first, kept) and same(first, aside) for first in facts)


def test_one_run_of_a_real_watch_as_fit_and_gpx(corpus: Path) -> None:
    """Smart recording with gaps of half a minute, and the same as GPX without distance, is one."""
    rows = []
    for suffix in ("fit", "gpx"):
        file = corpus / "odd" / f"sports-lib__2067489619.{suffix}"
        read = read_activity(file.name, file.read_bytes())
        rows.append(analyse_run(read, run_id=suffix, athlete_id="ada").run)
    assert find_duplicates(pl.DataFrame(rows, infer_schema_length=None)) == {"gpx": "fit"}
