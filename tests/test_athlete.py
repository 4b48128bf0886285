"""What is derived again when runs come and go, and what stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import cast

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline import athlete
from pipeline.athlete import YARDSTICK_RUNS, AthleteResult, Known, analyse_athlete, analyse_results
from pipeline.cells import Cells
from pipeline.results import RunResult
from pipeline.rounded import RoundedGrid, RoundedTrack
from pipeline.seconds import Seconds
from pipeline.tables import GAITS, BalanceSessions, Runs
from pipeline.workflow import analyse_run
from tests.made_runs import activity, without

NO_LOG = BalanceSessions.create_empty()


@cache
def loop_run(number: int) -> RunResult:
    """A run over the loop that all share."""
    return analyse_run(activity(number), run_id=f"r{number}", athlete_id="ada")


@cache
def elsewhere() -> RunResult:
    """A run whose positions are not known, so that it shares no place with any other, by another watch."""
    run = analyse_run(without(9, "lat_deg", "lon_deg"), run_id="elsewhere", athlete_id="ada")
    return replace(run, run={**run.run, "device_epoch": "another watch"})


def renamed(result: RunResult, run_id: str) -> RunResult:
    """The same run under another name."""
    grid = replace(cast(RoundedGrid, result.grid), run_id=run_id)
    return replace(result, run={**result.run, "run_id": run_id}, grid=grid)


class Asked:
    """Analyses runs in memory after `known`, and remembers whose grid and track were asked for."""

    def __init__(self, results: list[RunResult], known: AthleteResult | None = None) -> None:
        self.grids: set[str] = set()
        self.tracks: set[str] = set()
        self._by_id = {str(result.run["run_id"]): result for result in results}
        before = {row["run_id"]: row for row in known.runs.iter_rows(named=True)} if known else {}
        rows = [before.get(run_id, dict(result.run)) for run_id, result in self._by_id.items()]
        given = Known(known.segments, known.stability, known.origins) if known else Known()
        self.result = analyse_athlete(
            Runs.validate(pl.DataFrame(rows, schema=Runs.create_empty().schema)),
            {run_id: result.passes for run_id, result in self._by_id.items()},
            {run_id: result.cadence_moments for run_id, result in self._by_id.items()},
            self._cells,
            self._seconds,
            NO_LOG,
            known=given,
        )

    def _cells(self, run_id: str) -> Cells:
        self.grids.add(run_id)
        return cast(RoundedGrid, self._by_id[run_id].grid).to_cells()

    def _seconds(self, run_id: str) -> Seconds:
        self.tracks.add(run_id)
        return cast(RoundedTrack, self._by_id[run_id].track).to_seconds()


def test_nothing_new_reads_nothing() -> None:
    """The same runs again: no grid and no track is asked for, nothing is marked as changed."""
    runs = [loop_run(n) for n in range(4)]
    first = Asked(runs).result
    again = Asked(runs, first)
    assert (again.grids, again.tracks, dict(again.result.origins)) == (set(), set(), {})
    assert again.result.stability.equals(first.stability)


def test_a_new_run_leaves_alone_what_it_does_not_meet() -> None:
    """A fifth pass of the loop has the other passes labelled again, not the run that never came there."""
    first = Asked([*(loop_run(n) for n in range(4)), elsewhere()]).result
    more = Asked([*(loop_run(n) for n in range(5)), elsewhere()], first)
    assert more.grids == {"r0", "r1", "r2", "r3", "r4"}
    assert "elsewhere" not in more.tracks | set(more.result.origins)


def test_another_watch_does_not_touch_what_was_measured() -> None:
    """A run of another watch far away changes no label and no yardstick of the others: it alone is read."""
    first = Asked([loop_run(n) for n in range(4)]).result
    more = Asked([*(loop_run(n) for n in range(4)), elsewhere()], first)
    assert more.grids == more.tracks == {"elsewhere"}


@given(
    before=st.sets(st.integers(0, 4), min_size=1),
    after=st.sets(st.integers(0, 4), min_size=1),
    with_other=st.booleans(),
)
@settings(max_examples=8, deadline=None)
def test_bit_by_bit_is_the_same_as_at_once(before: set[int], after: set[int], with_other: bool) -> None:
    """Whatever was known before, the tables are those of the runs that are there now, to the last bit."""
    first = Asked([loop_run(n) for n in sorted(before)]).result
    now = [loop_run(n) for n in sorted(after)] + [elsewhere()] * with_other
    stepwise, at_once = Asked(now, first).result, analyse_results(now, NO_LOG)
    for name, key in (("runs", ["run_id"]), ("segments", ["run_id", "segment_id"]), ("stability", None)):
        left, right = (getattr(result, name) for result in (stepwise, at_once))
        by = key or ["run_id", "terrain", "direction", "metric"]
        assert left.sort(by).equals(right.sort(by)), name


def test_how_many_runs_are_measured_at_once_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured two by two, runs have the steadiness that they have measured all together, to the last bit."""
    runs = [loop_run(n) for n in range(5)]
    together = analyse_results(runs, NO_LOG)
    monkeypatch.setattr(athlete, "AT_ONCE", 2)
    apart = analyse_results(runs, NO_LOG)
    assert apart.stability.equals(together.stability)
    assert apart.repeats.equals(together.repeats)


def test_the_yardstick_of_a_watch_settles() -> None:
    """Cadence is adjusted by the watch's first 50 runs: one that comes later changes no earlier figure."""
    many = [renamed(loop_run(n % 3), f"{n:02}") for n in range(YARDSTICK_RUNS)]
    later = many[0].run["start_time"] + timedelta(days=400)
    strange = renamed(replace(elsewhere(), run={**many[0].run, "start_time": later}), "99")
    alone = analyse_results(many, NO_LOG).stability
    beside = analyse_results([*many, strange], NO_LOG).stability.filter(pl.col("run_id") != "99")
    assert beside.equals(alone)
    fewer = analyse_results([*many[:10], strange], NO_LOG).stability.filter(pl.col("run_id") == "00")
    assert not fewer.equals(alone.filter(pl.col("run_id") == "00"))


def test_a_watch_has_one_class_of_altitude() -> None:
    """A run whose own altitude looks worse is judged as the watch's other runs are."""
    runs = [loop_run(n) for n in range(3)]
    odd = [*runs[:2], replace(runs[2], run={**runs[2].run, "altitude_class": "gps"})]
    assert analyse_results(odd, NO_LOG).segments.equals(analyse_results(runs, NO_LOG).segments)


def test_passes_that_were_not_kept_are_taken_from_the_grid() -> None:
    """Where an earlier version kept no passes of a run, its grid says the same, as far as it is rounded."""
    runs = [loop_run(n) for n in range(3)]
    without_passes = Asked([replace(run, passes=replace(run.passes, place=run.passes.place)) for run in runs])
    rows = without_passes.result.runs
    result = analyse_athlete(
        rows,
        {},
        {str(run.run["run_id"]): run.cadence_moments for run in runs},
        lambda run_id: cast(RoundedGrid, loop_run(int(run_id[1:])).grid).to_cells(),
        lambda run_id: cast(RoundedTrack, loop_run(int(run_id[1:])).track).to_seconds(),
        NO_LOG,
    )
    assert_frame_equal(result.segments, without_passes.result.segments, abs_tol=1e-3)
    assert result.stability["value"].to_list() == pytest.approx(
        without_passes.result.stability["value"].to_list()
    )


def test_a_run_measured_anew_keeps_nothing_of_what_it_was() -> None:
    """A run that an earlier version found running in, and this one none, has no row of steadiness left."""
    track = cast(RoundedTrack, loop_run(0).track)
    standing = replace(track, gait=np.full_like(track.gait, GAITS.index("stand")))
    stopped = replace(loop_run(0), track=standing)
    first = Asked([loop_run(0), loop_run(1)]).result
    assert "r0" in first.stability["run_id"]
    again = Asked([stopped, loop_run(1)], replace(first, origins={})).result
    assert set(again.stability["run_id"]) == {"r1"}
