"""The recipe from activities to an athlete's tables, without a disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import analyse_folder, read_balance_log
from pipeline.athlete import AthleteResult, analyse_results
from pipeline.cli.words import status_lines
from pipeline.errors import SurefootError
from pipeline.ingest import Activity, read_activity
from pipeline.recorded import Recorded
from pipeline.results import RunResult
from pipeline.segments import RunSegments
from pipeline.tables import (
    TERRAINS,
    BalanceSessions,
    DataFrame,
    Dose,
    Effects,
    Grid,
    Runs,
    Segments,
    Stability,
    Track,
)
from pipeline.workflow import PENDING, analyse_run
from tests.made_runs import activity, fit_file, gpx_file, loop, recording, treadmill_file, without

NO_LOG = BalanceSessions.create_empty()


def analyse(activities: Sequence[Activity], sessions: DataFrame[BalanceSessions] = NO_LOG) -> AthleteResult:
    """Analyse activities as the runs r0, r1, ... of one athlete."""
    return finish([one_run(a, f"r{n}") for n, a in enumerate(activities)], sessions)


def one_run(of: Activity, run_id: str = "r0") -> RunResult:
    """One activity alone."""
    return analyse_run(of, run_id=run_id, athlete_id="ada")


def finish(results: Sequence[RunResult], sessions: DataFrame[BalanceSessions] = NO_LOG) -> AthleteResult:
    """What needs all runs."""
    return analyse_results(results, sessions)


def labels_on_loop(result: AthleteResult, number: int, run_id: str) -> tuple[np.ndarray, np.ndarray]:
    """Planted and found ground (true is technical) of each second of a run."""
    truth = recording(number)
    seconds = np.arange(int(truth.elapsed_s[-1]))
    planted = np.zeros(len(seconds), dtype=bool)
    for terrain, start_s, end_s, _, _ in truth.stretches:
        planted[start_s:end_s] = terrain == "technical"
    found = np.zeros(len(seconds), dtype=bool)
    for row in result.segments.filter(run_id=run_id).iter_rows(named=True):
        found[(seconds >= row["start_s"]) & (seconds < row["end_s"])] = row["terrain"] == "technical"
    return planted, found


@pytest.fixture(scope="module")
def five() -> AthleteResult:
    """Five runs of the same loop, one runner."""
    return analyse([activity(n) for n in range(5)])


def test_one_run_alone() -> None:
    """A run alone has its facts, a valid track and grid, no labels yet, and does not count so far."""
    result = one_run(activity(0))
    assert result.track is not None
    assert result.grid is not None
    track = result.track.to_table()
    assert Track.is_valid(track)
    assert Grid.is_valid(result.grid.to_table())
    assert track["terrain"].is_null().all()
    assert (result.run["counts"], result.run["counts_reason"]) == (False, PENDING)
    assert result.run["distance_m"] == pytest.approx(loop().length_m, rel=0.02)
    assert result.run["sampling"] == "1 Hz"
    assert result.run["altitude_class"] in ("clean", "typical")
    assert len(result.cadence_moments) == 30


def test_every_table_is_valid(five: AthleteResult) -> None:
    """All tables of an athlete keep what pipeline.tables promises, and name the same runs."""
    assert Runs.is_valid(five.runs)
    assert Segments.is_valid(five.segments)
    assert Stability.is_valid(five.stability)
    assert Dose.is_valid(five.dose)
    assert Effects.is_valid(five.effects)
    ids = set(five.runs["run_id"])
    assert (
        ids == {"r0", "r1", "r2", "r3", "r4"} == set(five.segments["run_id"]) == set(five.stability["run_id"])
    )


def test_segments_cover_the_run(five: AthleteResult) -> None:
    """Segments follow each other without a hole from the start to the end of each run."""
    for run_id, part in five.segments.group_by("run_id", maintain_order=True):
        inner = part.sort("segment_id")
        assert inner["start_s"][0] == 0.0, run_id
        assert inner["start_s"][1:].to_list() == inner["end_s"][:-1].to_list()
        assert (inner["end_s"] > inner["start_s"]).all()


def test_the_planted_ground_is_found(five: AthleteResult) -> None:
    """After five passes four seconds in five and more carry the ground that was planted there."""
    for number in range(5):
        planted, found = labels_on_loop(five, number, f"r{number}")
        assert (planted == found).mean() > 0.8
        assert found[planted].mean() > found[~planted].mean() + 0.6


def test_planted_wobble_is_measured(five: AthleteResult) -> None:
    """The runner wobbles more on technical ground in every run, and every run counts."""
    wide = five.stability.filter(metric="cadence_cv", direction="all").pivot(
        on="terrain", index="run_id", values="value"
    )
    assert (wide["technical"] > wide["smooth"]).all()
    assert five.runs["counts"].all()
    assert set(five.runs["counts_reason"]) == {""}


def test_a_track_takes_the_ground_of_its_segment(five: AthleteResult) -> None:
    """Each second has terrain and technicality of the segment whose [start, end) it lies in."""
    segments = Segments.cast(five.segments.filter(run_id="r0"))
    elapsed_s = np.arange(int(segments["end_s"].max()))
    terrain, technicality = RunSegments.from_table(segments).find_ground(elapsed_s)
    columns = ("start_s", "end_s", "terrain", "technicality_mean")
    for start, end, name, mean in segments.select(columns).iter_rows():
        inside = (elapsed_s >= start) & (elapsed_s < end)
        assert set(terrain[inside]) <= {TERRAINS.index(name)}
        assert set(technicality[inside]) <= {mean}


def test_a_treadmill_is_smooth() -> None:
    """Indoors all ground is smooth, so the run has no technical side and does not count."""
    result = analyse([read_activity("run.fit", treadmill_file(0))])
    assert set(result.segments["terrain"]) == {"smooth"}
    run = result.runs.row(0, named=True)
    assert run["sub_sport"] == "treadmill"
    assert run["technical_share"] == 0.0
    assert not run["counts"]
    assert "technical" in run["counts_reason"]


def test_without_cadence_a_run_does_not_count() -> None:
    """Ground is labelled without cadence, but there is nothing to measure on it, and the run says so."""
    result = analyse([without(0, "cadence_spm")])
    run = result.runs.row(0, named=True)
    assert (run["counts"], run["counts_reason"]) == (False, "no cadence was recorded")
    assert "no cadence was recorded" in run["warnings"]
    assert set(result.segments["terrain"]) == {"technical", "smooth"}
    assert set(result.stability["metric"]) <= {"walking_share"}


def test_without_altitude_pace_and_way_decide() -> None:
    """A run without altitude is judged by pace and direction, warns of it, and has no ascent."""
    result = analyse([without(0, "altitude_m")])
    run = result.runs.row(0, named=True)
    assert (run["altitude_class"], run["ascent_m"]) == ("none", None)
    assert "no altitude was recorded" in run["warnings"]
    planted, found = labels_on_loop(result, 0, "r0")
    assert found[planted].mean() > found[~planted].mean() + 0.3


def test_without_positions_a_run_stands_alone() -> None:
    """A run without positions keeps its own labels beside five that share theirs, and warns of it."""
    result = analyse([*(activity(n) for n in range(5)), without(5, "lat_deg", "lon_deg")])
    assert "no positions were recorded" in result.runs.filter(run_id="r5")["warnings"][0]
    assert set(result.segments.filter(run_id="r5")["passes"]) == {1}
    assert result.segments.filter(run_id="r0")["passes"].max() == 5


def test_with_nothing_but_a_clock() -> None:
    """A run of nothing but time stamps and heart rate goes through: no ground, no figures, its reason."""
    channels = ("lat_deg", "lon_deg", "altitude_m", "distance_m", "speed_mps", "cadence_spm")
    result = analyse([without(0, *channels)])
    assert Runs.is_valid(result.runs)
    assert set(result.stability["metric"]) <= {"walking_share"}
    assert not result.runs["counts"][0]


def test_a_short_run_goes_through() -> None:
    """Five seconds of running make a run that does not count, not an error."""
    short = replace(activity(0), recorded=Recorded(activity(0).records.head(5)))
    result = analyse([short, activity(1)])
    assert Segments.is_valid(result.segments)
    assert result.runs.filter(run_id="r0")["counts"].to_list() == [False]


def test_bad_cadence_is_said_in_figures() -> None:
    """A run whose cadence drops out for half of the time does not count and says how much is usable."""
    whole = activity(0)
    holes = whole.records.with_row_index().with_columns(
        cadence_spm=pl.when(pl.col("index") // 60 % 2 == 0).then(pl.col("cadence_spm"))
    )
    result = analyse([replace(whole, recorded=Recorded(holes.drop("index")))])
    assert not result.runs["counts"][0]
    assert result.runs["counts_reason"][0].startswith("cadence is usable in 5")


def test_smart_recording_is_said_where_windows_are_few() -> None:
    """With a record each six seconds nothing is bridged to a window, and the reason of the run says so."""
    whole = activity(0)
    result = analyse(
        [
            replace(whole, recorded=Recorded(whole.records.gather_every(6))),
            read_activity("run.fit", treadmill_file(1)),
        ]
    )
    reasons = dict(result.runs.select("run_id", "counts_reason").iter_rows())
    assert reasons["r0"].startswith("0 technical and 0 smooth windows of 20 s, 12 of each are needed; smart")
    assert "recording every second would give more" in reasons["r0"]
    assert "smart" not in reasons["r1"]
    lines = " ".join(
        status_lines(
            "ada", dict.fromkeys(("files", "runs", "duplicates", "skipped", "rejected"), 0), result.runs
        )
    )
    assert lines.count("too little running") == 2
    assert lines.count("smart recording") == 1


def test_nobody_is_no_error() -> None:
    """An athlete of whom there is no run has empty tables."""
    result = analyse([])
    assert (len(result.runs), len(result.segments), len(result.stability), len(result.effects)) == (
        0,
        0,
        0,
        0,
    )


@given(order=st.permutations(range(4)))
@settings(max_examples=5, deadline=None)
def test_the_order_of_the_runs_does_not_matter(order: list[int]) -> None:
    """Whichever run is read first, ground, steadiness and answer are the same."""
    results = [one_run(activity(n), f"r{n}") for n in range(4)]
    one, other = finish(results), finish([results[n] for n in order])
    keys = {"runs": ["run_id"], "segments": ["run_id", "segment_id"], "dose": ["athlete_id", "date"]}
    keys |= {"stability": ["run_id", "terrain", "direction", "metric"], "effects": ["outcome"]}
    for name, key in keys.items():
        left, right = (getattr(result, name).sort(key) for result in (one, other))
        floats = pl.col(pl.Float64).round(9)
        assert left.with_columns(floats).equals(right.with_columns(floats)), name


def test_analysing_twice_is_the_same(five: AthleteResult) -> None:
    """The same runs give equal tables the second time, to the last bit."""
    again = analyse([activity(n) for n in range(5)])
    for name in ("runs", "segments", "stability", "dose", "effects"):
        assert getattr(five, name).equals(getattr(again, name)), name


def test_formats_agree() -> None:
    """A run says nearly the same from its GPX file as from its FIT file."""
    fit, gpx = (one_run(read_activity("run", content)).run for content in (fit_file(0), gpx_file(0)))
    assert gpx["distance_m"] == pytest.approx(fit["distance_m"], rel=0.03)
    assert gpx["ascent_m"] == pytest.approx(fit["ascent_m"], rel=0.05)
    assert gpx["cadence_unit"] == fit["cadence_unit"] == "strides_per_minute"


def test_a_folder_in_a_notebook(tmp_path: Path) -> None:
    """The three lines of the package's docstring work, and what is left out is named in a warning."""
    runs = tmp_path / "runs"
    (runs / "a folder").mkdir(parents=True)
    for number in range(2):
        (runs / f"{number}.fit").write_bytes(fit_file(number))
    (runs / "notes.txt").write_text("not a run")
    (tmp_path / "log.csv").write_text("date,drill,minutes\n2025-08-01,balance board,20\n")
    log = read_balance_log(tmp_path / "log.csv", "ada")
    with pytest.warns(UserWarning, match=r"notes\.txt was left out: it is neither FIT nor GPX nor TCX"):
        season = analyse_folder(runs, "ada", log)
    assert season.runs["source_name"].to_list() == ["0.fit", "1.fit"]
    assert season.effects.filter(outcome="technical")["sentence"][0]


def test_a_folder_without_runs(tmp_path: Path) -> None:
    """A folder in which there is no run is said in one sentence."""
    with pytest.raises(SurefootError, match="holds no run"):
        analyse_folder(tmp_path, "ada", NO_LOG)
