"""The same stretch of trail, each time that it was run: by hand, at the edges, in made-up runs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline.athlete import analyse_results
from pipeline.cells import read_cells
from pipeline.numeric import EARTH_RADIUS_M
from pipeline.repeats import MIN_RUNS, POINTS, KnownStretches, find_passes, learn_stretches, often_passed
from pipeline.stability import measure_parts
from pipeline.tables import BalanceSessions, DataFrame, Grid, Repeats, Stretches
from pipeline.windows import adjust, cut_windows
from pipeline.workflow import analyse_run
from tests.made_runs import activity
from tests.made_windows import NO_MODEL, cut, seconds_of

M_PER_DEG = np.radians(1.0) * EARTH_RADIUS_M
KEY = ("stretch_id", "run_id", "pass_in_run")
NONE_KNOWN = KnownStretches()


def grid(east_m: Any, north_m: Any, *, lat_deg: float = 0.0, lon_deg: float = 0.0) -> DataFrame[Grid]:
    """A run along these points, one every 5 m, about a place."""
    east, north = np.asarray(east_m, dtype=float), np.asarray(north_m, dtype=float)
    n = len(east)
    columns = {
        "run_id": ["r"] * n,
        "cell": np.arange(n),
        "distance_m": np.arange(n) * 5.0,
        "elapsed_s": np.arange(n) * 2.0,
        "lat_deg": lat_deg + north / M_PER_DEG,
        "lon_deg": lon_deg + east / M_PER_DEG / np.cos(np.radians(lat_deg)),
        "heading_deg": np.degrees(np.arctan2(np.gradient(east), np.gradient(north))) % 360.0,
    }
    others = {name: None for name in Grid.column_names() if name not in columns}
    return Grid.cast(
        pl.DataFrame(columns).with_columns(**others).with_columns(pl.col(pl.Float64).fill_nan(None))
    )


def eastward(length_m: float, **where: float) -> DataFrame[Grid]:
    """A straight way to the east."""
    east = np.arange(0, length_m + 5, 5)
    return grid(east, np.zeros(len(east)), **where)


def learnt(of: DataFrame[Grid]) -> KnownStretches:
    """The stretches of a first run."""
    return learn_stretches(read_cells(of), NONE_KNOWN)[1]


@pytest.mark.parametrize(("length_m", "n"), [(495, 0), (505, 1), (1005, 2), (1400, 2)])
def test_new_ground_is_cut_into_stretches(length_m: int, n: int) -> None:
    """Ground never run before makes as many stretches of 500 m as fit into it, each of 11 points."""
    found = learnt(eastward(length_m))
    assert len(set(found.stretch_id)) == n
    assert found.points.shape == (n, 11, 3)


def test_a_second_run_passes_what_the_first_made() -> None:
    """The same 1 km again is two passes from 0 to 500 and to 1000 m, and makes nothing new."""
    known = learnt(eastward(1005))
    passes, new = learn_stretches(read_cells(eastward(1005)), known)
    assert [(start, end) for _, start, end in passes] == [(0, 100), (100, 200)]
    assert len(new) == 0


def test_the_other_way_is_another_stretch() -> None:
    """Who runs the trail back passes none of the stretches made on the way there."""
    there = eastward(1005)
    back = grid(np.arange(1005, -5, -5), np.zeros(202))
    passes, new = learn_stretches(read_cells(back), learnt(there))
    assert {stretch_id for stretch_id, _, _ in passes} == set(new.stretch_id)
    assert not set(new.stretch_id) & set(learnt(there).stretch_id)


@pytest.mark.parametrize(("beside_m", "passes"), [(15, 1), (40, 0)])
def test_positions_may_be_off(beside_m: float, passes: int) -> None:
    """15 m beside the line is the same trail, 40 m beside it is another."""
    east = np.arange(0, 510, 5)
    assert (
        len(find_passes(read_cells(grid(east, np.full(len(east), beside_m))), learnt(eastward(505))))
        == passes
    )


def test_a_way_round_is_no_pass() -> None:
    """From the same start to the same end by a loop of 300 m more is not the same stretch."""
    east = np.concatenate([np.arange(0, 250, 5), np.full(30, 250), np.full(30, 250), np.arange(250, 510, 5)])
    north = np.concatenate([np.zeros(50), np.arange(0, 150, 5), np.arange(150, 0, -5), np.zeros(52)])
    assert find_passes(read_cells(grid(east, north)), learnt(eastward(505))) == []


def test_half_a_stretch_is_no_pass() -> None:
    """Who turns off after 300 m, or joins after 200 m, has not run the stretch."""
    known = learnt(eastward(505))
    assert find_passes(read_cells(eastward(300)), known) == []
    east = np.arange(200, 800, 5)
    assert find_passes(read_cells(grid(east, np.zeros(len(east)))), known) == []


def test_laps_are_passes_of_one_stretch() -> None:
    """Five laps of a round of 1 km are ten passes of two stretches, and make no more than these two."""
    turn = np.arange(0, 5 * 2 * np.pi, 5 / (1000 / (2 * np.pi)))
    radius = 1000 / (2 * np.pi)
    passes, new = learn_stretches(read_cells(grid(radius * np.cos(turn), radius * np.sin(turn))), NONE_KNOWN)
    assert len(new) == 2
    assert len(passes) >= 9
    assert new.to_table(5)["rank"].unique().sort().to_list() == [5, 6]


def test_a_run_without_positions_passes_nothing() -> None:
    """Neither a treadmill nor an empty run has or makes a stretch."""
    nowhere = eastward(1005).with_columns(lat_deg=None, lon_deg=None)
    for nothing in (Grid.cast(nowhere), Grid.create_empty()):
        assert learn_stretches(read_cells(nothing), learnt(eastward(1005)))[0] == []
        assert len(learnt(nothing)) == 0


def test_what_is_known_keeps_its_name() -> None:
    """A longer run over known ground adds the stretches beyond it and leaves the known ones as they are."""
    known = learnt(eastward(1005))
    passes, new = learn_stretches(read_cells(eastward(2005)), known)
    assert len(passes) == 4
    assert len(new) == 2


@given(cuts=st.lists(st.integers(0, 10), max_size=6))
def test_stretches_are_added_behind_those_that_are_known(cuts: list[int]) -> None:
    """Added bit by bit, nothing of what was there before changes, in names or in points."""
    every = learnt(eastward(5005))
    borders = [0, *sorted(cuts), len(every)]
    known, index = KnownStretches(), np.arange(len(every))
    for start, end in pairwise(borders):
        known.add(every.where((index >= start) & (index < end)))
        assert known.stretch_id == every.stretch_id[:end]
        np.testing.assert_array_equal(known.points, every.points[:end])


def test_what_is_kept_is_what_was_known() -> None:
    """Put into the table and taken out again, in any order of its rows, the stretches are the same."""
    known = learnt(eastward(2005))
    kept = known.to_table()
    assert len(kept) == POINTS * len(known) == POINTS * 4
    again = KnownStretches.from_table(
        cast(DataFrame[Stretches], kept.sample(fraction=1, shuffle=True, seed=1))
    )
    assert again.stretch_id == known.stretch_id
    np.testing.assert_array_equal(again.points, known.points)


@given(
    st.floats(-80, 80),
    st.sampled_from([0.0, 179.999, -120.0]),
    st.floats(0, 2 * np.pi),
    st.integers(0, 2**32 - 1),
)
def test_anywhere_on_earth_the_same_way_is_found_again(
    lat_deg: float, lon_deg: float, turned: float, seed: int
) -> None:
    """Wherever and in whichever direction, the way run again with positions off by metres is passed whole."""
    rng = np.random.default_rng(seed)
    along = np.arange(0, 1105, 5.0)

    def once(off_m: float) -> DataFrame[Grid]:
        east = along * np.cos(turned) + off_m * np.sin(along / 90 + rng.uniform(0, 6))
        north = along * np.sin(turned) + off_m * np.cos(along / 70 + rng.uniform(0, 6))
        made = grid(east, north, lat_deg=lat_deg, lon_deg=lon_deg)
        turn = (pl.col("lon_deg") + 180) % 360 - 180
        return Grid.cast(made.with_columns(lon_deg=turn))

    assert len(find_passes(read_cells(once(6.0)), learnt(once(0.0)))) == 2


def test_parts_are_measured_by_themselves() -> None:
    """A wobble of 3 on 200 s and of 1 on the next 200 s: each has its own figure, on any ground."""
    wobble = np.sin(2 * np.pi * np.arange(400) / 10)
    of_run = seconds_of(170 + np.where(np.arange(400) < 200, 3, 1) * wobble)
    found = measure_parts(cut_windows(adjust(of_run, NO_MODEL), np.repeat([0, 1], 200)), 3)
    np.testing.assert_allclose(found.value[:2], np.array([3, 1]) / np.sqrt(2) / 170, rtol=0.05)
    assert found.n_windows.tolist() == [10, 10, 0]
    assert np.isnan(found.value[2])
    assert (found.low[:2] <= found.value[:2]).all()


def test_parts_equal_the_ground_where_they_are_the_ground() -> None:
    """Measured by parts that are the two grounds, the windows are those of the grounds."""
    cadence = 170 + np.random.default_rng(3).normal(0, 3, 600)
    ground = np.repeat(["technical", "smooth"], 300)
    by_ground = cut(seconds_of(cadence), ground.tolist())
    by_part = cut_windows(adjust(seconds_of(cadence), NO_MODEL), np.repeat([0, 1], 300))
    np.testing.assert_allclose(by_part.residual_sd_spm, by_ground.residual_sd_spm)
    assert by_part.start_s.tolist() == by_ground.start_s.tolist()


def test_a_stretch_is_told_of_from_five_runs_on() -> None:
    """Four runs over a loop leave nothing to compare, five do; a second pass in a run is no further run."""
    runs = [analyse_run(activity(n), run_id=f"r{n}", athlete_id="ada") for n in range(MIN_RUNS)]
    found = analyse_results(runs, BalanceSessions.create_empty()).repeats
    assert Repeats.is_valid(found)
    told = often_passed(found)
    assert told.group_by("stretch_id").agg(pl.col("run_id").n_unique()).get_column("run_id").min() >= MIN_RUNS
    assert told["stretch_id"].n_unique() >= 8
    four = cast(DataFrame[Repeats], found.filter(pl.col("run_id") != "r0"))
    assert often_passed(four).is_empty()


def test_passes_of_the_made_up_loop_lie_on_each_other() -> None:
    """Of a stretch of the invented loop every pass has its length and the same grade within 2 %."""
    runs = [analyse_run(activity(n), run_id=f"r{n}", athlete_id="ada") for n in range(MIN_RUNS)]
    told = often_passed(analyse_results(runs, BalanceSessions.create_empty()).repeats)
    length = told["end_m"] - told["start_m"]
    assert ((length / 500 - 1).abs() < 0.15).all()
    spread = told.group_by("stretch_id").agg(pl.col("grade_mean").max() - pl.col("grade_mean").min())
    assert spread["grade_mean"].median() < 0.02


def test_the_order_of_the_files_does_not_matter() -> None:
    """The same runs handed over in another order have the same stretches, of the same names."""
    runs = [analyse_run(activity(n), run_id=f"r{n}", athlete_id="ada") for n in range(3)]
    ordered = sorted(runs, key=lambda run: run.run["start_time"])
    one, other = (
        analyse_results(given, BalanceSessions.create_empty()).repeats.sort(
            "stretch_id", "run_id", "pass_in_run"
        )
        for given in (ordered, ordered[::-1])
    )
    assert one["stretch_id"].n_unique() > 0
    assert set(one["stretch_id"]) == set(other["stretch_id"])
    assert_frame_equal(one, other)
