"""What is saved comes back: every table, and tracks within the steps that packs store."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from workspace_builders import (
    answer_of,
    file_result,
    grid,
    no_run,
    round_grid,
    round_track,
    run_result,
    run_row,
    runs_frame,
    segments,
    sha,
    track,
    with_wider_numbers,
)

from pipeline.columns import steps_per_unit
from pipeline.errors import SurefootError
from pipeline.results import Origin
from pipeline.tables import (
    BalanceSessions,
    Dose,
    DoseByCategory,
    Effects,
    Grid,
    Residuals,
    Runs,
    Segments,
    Stability,
    Track,
)
from pipeline.workspace import RunResult, Seen, Workspace, save_pack
from pipeline.workspace.packs import JOINED

pytestmark = pytest.mark.both_databases


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace."""
    with Workspace(tmp_path / "workspace") as workspace:
        yield workspace


def add(workspace: Workspace, *runs: RunResult, athlete_id: str = "ada") -> None:
    """Pack and commit runs, a file each."""
    with workspace.writer_lock():
        pack = save_pack(workspace.path, athlete_id, runs)
        workspace.commit(athlete_id, pack, [file_result(run) for run in runs])


def derived(**given: Any) -> dict[str, Any]:
    """What save_athlete takes, empty where not given."""
    tables = {"runs": Runs, "segments": Segments, "stability": Stability}
    found = {name: given.pop(name, schema.create_empty()) for name, schema in tables.items()}
    ids = {run_id for name in ("runs", "segments", "stability") for run_id in found[name]["run_id"]}
    return found | {
        "answer": answer_of(**given),
        "origins": dict.fromkeys(sorted(ids), Origin("labels", "ground", "stability")),
    }


def test_run_comes_back(workspace: Workspace) -> None:
    """A run's row, moments, original and file are what was given."""
    run = run_result(1)
    add(workspace, run)
    workspace.keep_original(sha(1), b"<gpx/>")
    assert workspace.load_run(run.run["run_id"]) == dict(run.run)
    assert workspace.load_cadence_moments("ada") == {run.run["run_id"]: [1.0, 1.5]}
    assert workspace.load_original(sha(1)) == b"<gpx/>"
    assert workspace.known_files("ada") == {sha(1): ("run", 1)}
    assert workspace.athletes() == ["ada"]


def test_runs_are_in_order_of_time(workspace: Workspace) -> None:
    """Runs come by start time, whatever the order in which they were saved."""
    add(workspace, run_result(5), run_result(2))
    add(workspace, run_result(3))
    assert workspace.load_runs("ada")["source_name"].to_list() == ["run 2.fit", "run 3.fit", "run 5.fit"]


def test_track_has_its_segments(workspace: Workspace) -> None:
    """A second has the segment whose half-open interval it lies in, a second between segments has none."""
    add(workspace, run_result(1, seconds=8))
    workspace.save_athlete("ada", **derived(segments=segments(1, [(0, 3), (4, 5.5), (5.5, 7)])))
    loaded = workspace.load_track(run_row(1)["run_id"])
    assert loaded["segment_id"].to_list() == [0, 0, 0, None, 1, 1, 2, None]
    assert loaded["terrain"].to_list()[3:7] == [None, "smooth", "smooth", "technical"]
    assert loaded["technicality"].to_list()[3:7] == [None, 0.25, 0.25, 0.75]


def test_pack_of_several_runs(workspace: Workspace) -> None:
    """Each run of a pack comes back as itself, in the order asked for, an empty track as well."""
    add(workspace, *(run_result(number, seconds=seconds) for number, seconds in ((1, 90), (2, 0), (3, 200))))
    wanted = [run_row(number)["run_id"] for number in (3, 1, 2)]
    loaded = dict(workspace.load_tracks(wanted))
    assert list(loaded) == wanted
    assert [frame.height for frame in loaded.values()] == [200, 90, 0]
    for run_id, number in zip(wanted, (3, 1), strict=False):
        Track.validate(loaded[run_id])
        assert loaded[run_id]["cadence_spm"].equals(track(number, loaded[run_id].height)["cadence_spm"])


def test_grid_of_an_athlete(workspace: Workspace) -> None:
    """The grids of all runs come in one table, by start time, and nobody else's."""
    add(workspace, run_result(2, seconds=40), run_result(1, seconds=20))
    add(workspace, run_result(3, "bob"), athlete_id="bob")
    loaded = Grid.validate(workspace.load_grid("ada"))
    assert loaded["run_id"].to_list() == [run_row(1)["run_id"]] * 10 + [run_row(2)["run_id"]] * 20
    assert workspace.load_grid("nobody").is_empty()


def test_unknown_run(workspace: Workspace) -> None:
    """A run that is not there is said to be missing, in one line."""
    for load in (workspace.load_run, workspace.load_track):
        with pytest.raises(SurefootError, match=r"^no run abc-1 is in the workspace: [^\n]*$"):
            load("abc-1")


def test_unknown_original(workspace: Workspace) -> None:
    """An original that is not there is said to be missing."""
    with pytest.raises(SurefootError, match="no original"):
        workspace.load_original(sha(1))


def test_same_file_of_two_athletes(workspace: Workspace) -> None:
    """Two people may give the same file: each has the run, and a new analysis of one leaves the other's."""
    add(workspace, run_result(1))
    add(workspace, run_result(1, "bob"), athlete_id="bob")
    add(workspace, run_result(1, "bob", version=2), athlete_id="bob")
    assert workspace.load_runs("ada")["analysis_version"].to_list() == [1]
    assert workspace.load_runs("bob")["analysis_version"].to_list() == [2]
    assert workspace.load_grid("ada").height == workspace.load_grid("bob").height == 60


def test_new_analysis_replaces_the_old(workspace: Workspace) -> None:
    """A newer analysis of the same content takes the place of the older one, and its pack is removed."""
    add(workspace, run_result(1), run_result(2))
    workspace.save_athlete("ada", **derived(segments=segments(1, [(0, 9)])))
    add(workspace, run_result(1, version=2))
    assert workspace.load_runs("ada")["analysis_version"].to_list() == [2, 1]
    assert workspace.load_segments("ada").is_empty()
    assert len(list(workspace.path.glob("packs/*/*/*"))) == 4
    add(workspace, run_result(2, version=2))
    assert [file.parent.parent.name for file in workspace.path.glob("packs/*/*/*")] == ["v2"] * 4


def test_demoted_run_is_gone(workspace: Workspace) -> None:
    """A content that a later hand-over calls a duplicate has no run any more, and keeps its first name."""
    add(workspace, run_result(1))
    workspace.commit("ada", None, [no_run(1, "duplicate")])
    assert workspace.load_runs("ada").is_empty()
    assert workspace.load_files("ada").row(0, named=True)["source_name"] == "run 1.fit"


def test_content_twice_in_one_hand_over(workspace: Workspace) -> None:
    """Of the same content given twice at once the first result stands."""
    run = run_result(1)
    with workspace.writer_lock():
        pack = workspace.save_pack("ada", [run])
        workspace.commit("ada", pack, [file_result(run), no_run(1, "duplicate")])
    assert workspace.known_files("ada") == {sha(1): ("run", 1)}


def test_commit_without_its_pack(workspace: Workspace) -> None:
    """A hand-over whose pack has gone, or that names none, is refused and leaves nothing."""
    run = run_result(1)
    pack = workspace.save_pack("ada", [run])
    for file in workspace.path.glob("packs/*/*/*"):
        file.unlink()
    for reference in (pack, None):
        with pytest.raises(SurefootError, match="pack"):
            workspace.commit("ada", reference, [file_result(run)])
    assert workspace.counts() == {"runs": 0, "duplicates": 0, "skipped": 0, "rejected": 0, "files": 0}


def test_counts_add_up(workspace: Workspace) -> None:
    """Every file seen is a run, a duplicate, skipped or rejected; a copy elsewhere is a duplicate."""
    add(workspace, run_result(1), run_result(2))
    statuses = ("duplicate", "skipped", "rejected", "rejected")
    seen = [
        Seen("a/run 1.fit", 10, 20, sha(1)),
        Seen("b/run 1.fit", 10, 21, sha(1)),
        Seen("archive.zip", 10, 21, sha(99)),
    ]
    workspace.commit("ada", None, [no_run(10 + i, status) for i, status in enumerate(statuses)], seen)
    expected = {"runs": 2, "duplicates": 2, "skipped": 1, "rejected": 2, "files": 7}
    assert workspace.counts() == workspace.counts("ada") == expected
    assert workspace.counts("bob")["files"] == 0
    assert workspace.load_rejected("ada")["source_name"].to_list() == ["file 12.gpx", "file 13.gpx"]


def test_files_seen_are_known(workspace: Workspace) -> None:
    """A path is known as it was when last read, and only to its athlete."""
    first, other, changed = (
        Seen("x.fit", 10, 20, sha(1)),
        Seen("y", 1, 2, sha(2)),
        Seen("x.fit", 11, 22, sha(3)),
    )
    workspace.commit("ada", None, [], [first, other])
    assert workspace.load_seen("ada") == {"x.fit": first, "y": other}
    workspace.commit("ada", None, [], [first, changed])
    assert workspace.load_seen("ada") == {"x.fit": changed, "y": other}
    assert workspace.load_seen("bob") == {}


def test_answer_alone(workspace: Workspace) -> None:
    """A new answer replaces dose and answer, and leaves runs, segments and other people's answers."""
    add(workspace, run_result(1))
    effects = Effects.sample(2, overrides={"athlete_id": ["ada"] * 2})
    dose = Dose.sample(3, overrides={"athlete_id": ["ada"] * 3})
    workspace.save_athlete("ada", **derived(segments=segments(1, [(0, 9)]), effects=effects, dose=dose))
    workspace.save_answer("bob", answer_of())
    assert workspace.load_effects("ada").height == 2
    workspace.save_answer("ada", answer_of(dose=dose.head(1), effects=effects.head(1)))
    assert_frame_equal(workspace.load_dose("ada"), dose.head(1))
    assert_frame_equal(workspace.load_effects(), effects.head(1))
    assert workspace.load_segments("ada").height == workspace.load_runs("ada").height == 1


def test_balance_log_twice(workspace: Workspace) -> None:
    """The same log again changes nothing; a changed session is updated; others stay."""
    log = BalanceSessions.sample(3, overrides={"session_id": ["a", "b", "c"], "minutes": [5.0, 6.0, 7.0]})
    assert workspace.save_balance_sessions("ada", log) == (3, 0, 0)
    assert workspace.save_balance_sessions("ada", log) == (0, 0, 3)
    changed = log.with_columns(minutes=pl.Series([5.0, 9.0, 7.0])).filter(pl.col("session_id") != "a")
    assert workspace.save_balance_sessions("ada", BalanceSessions.cast(changed)) == (0, 1, 1)
    loaded = workspace.load_balance_sessions("ada").sort("session_id")
    assert loaded["minutes"].to_list() == [5.0, 9.0, 7.0]
    assert set(loaded["athlete_id"]) == {"ada"}


def test_what_is_no_number_comes_back_as_nothing(workspace: Workspace) -> None:
    """NaN is stored as nothing, in a run's own row and in what is derived of it, in every database."""
    run = run_result(1)
    run.run["technical_share"] = float("nan")
    add(workspace, run)
    sampled = Stability.sample(2, overrides={"run_id": [run.run["run_id"]] * 2})
    stability = Stability.cast(sampled.with_columns(value=pl.Series([float("nan"), 0.5])))
    workspace.save_athlete("ada", **derived(stability=stability))
    assert workspace.load_run(run.run["run_id"])["technical_share"] is None
    assert set(workspace.load_stability("ada")["value"]) == {None, 0.5}


def test_derived_rows_of_an_unknown_run(workspace: Workspace) -> None:
    """Results for a run that is not there are refused whole."""
    add(workspace, run_result(1))
    rows = runs_frame([run_row(1) | {"counts": False}, run_row(2)])
    with pytest.raises(SurefootError, match="no run"):
        workspace.save_athlete("ada", **derived(runs=rows))
    assert workspace.load_runs("ada")["counts"].to_list() == [True]


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_table_comes_back(seed: int) -> None:
    """Whatever the schemas allow is loaded as it was saved."""
    generator = dy.random.Generator(seed)

    def sample(schema: type[dy.Schema], rows: int, **overrides: Any) -> Any:
        columns = {
            name: value if isinstance(value, list) else [value] * rows for name, value in overrides.items()
        }
        return schema.sample(rows, generator=generator, overrides=columns)

    with tempfile.TemporaryDirectory() as place, Workspace(Path(place) / "w") as workspace:
        contents = [sha(number) for number in range(3)]
        runs = sample(Runs, 3, athlete_id="ada", content_sha256=contents).sort("start_time", "run_id")
        results = [
            RunResult(row, round_track(track(1, 3)), round_grid(grid(1, 2)), [0.5]) for row in runs.to_dicts()
        ]
        for result in results:
            add(workspace, result)
        assert_frame_equal(workspace.load_runs(), runs)

        changed = sample(Runs, 3, athlete_id="ada", run_id=runs["run_id"].to_list())
        changed = changed.with_columns(runs["content_sha256"])
        tables = {
            "segments": sample(Segments, 20, run_id=runs["run_id"][0]),
            "stability": sample(Stability, 20, run_id=runs["run_id"][1]),
            "dose": sample(Dose, 20, athlete_id="ada"),
            "dose_by_category": sample(DoseByCategory, 20, athlete_id="ada"),
            "effects": sample(Effects, 4, athlete_id="ada"),
            "residuals": sample(Residuals, 2, athlete_id="ada", run_id=runs["run_id"].to_list()[:2]),
        }
        log = sample(BalanceSessions, 10, athlete_id="ada")
        workspace.save_athlete("ada", **derived(runs=changed, **tables))
        workspace.save_balance_sessions("ada", log)
        workspace.save_athlete("ada", **derived(runs=changed, **tables))

        for name, frame in (tables | {"runs": changed, "balance_sessions": log}).items():
            loaded = getattr(workspace, f"load_{name}")("ada")
            assert_frame_equal(loaded, frame, check_row_order=False)


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("schema", [Track, Grid])
def test_packs_round_by_half_a_step(workspace: Workspace, schema: type[Track] | type[Grid]) -> None:
    """No stored number is further from the given one than half its step; what is missing stays missing."""
    build = track if schema is Track else grid
    given_frame = build(1, 500)
    extremes = {
        "lat_deg": (-90.0, 90.0),
        "lon_deg": (-180.0, 180.0),
        "altitude_m": (-430.5, 8848.86),
        "grade": (-0.4, 0.4),
        "heading_deg": (0.0, 360.0),
    }
    steps = steps_per_unit(schema)
    gaps = pl.int_range(pl.len()) % 7 == 3
    given_frame = given_frame.with_columns(
        pl.when(gaps & schema.columns()[name].nullable)
        .then(None)
        .when(pl.int_range(pl.len()) < 2)
        .then(pl.int_range(pl.len()).replace_strict([0, 1], extremes.get(name, (0.0, 1.0)), default=None))
        .otherwise(pl.col(name))
        .alias(name)
        for name in steps
    )
    frames: dict[type[Any], pl.DataFrame] = {Track: track(1, 500), Grid: grid(1, 500)}
    frames[schema] = schema.validate(given_frame)
    add(workspace, RunResult(run_row(1), round_track(frames[Track]), round_grid(frames[Grid])))

    loaded = workspace.load_track(run_row(1)["run_id"]) if schema is Track else workspace.load_grid("ada")
    loaded = schema.validate(loaded)
    for name in schema.column_names():
        if name in steps:
            assert loaded[name].is_null().equals(given_frame[name].is_null())
            error = np.abs((loaded[name] - given_frame[name]).drop_nulls().to_numpy())
            assert error.max() <= 0.5 / steps[name] * (1 + 1e-6), name
        elif name not in JOINED:
            assert loaded[name].equals(given_frame[name]), name


@pytest.mark.sqlite_alone
@given(sixty_fourths=st.lists(st.integers(0, 300 * 64), min_size=1, max_size=50))
@settings(max_examples=5, deadline=None)
def test_fit_cadence_is_exact(sixty_fourths: list[int]) -> None:
    """Cadence as FIT can say it, in 64ths of a step per minute, is stored without rounding."""
    spm = [value / 64 for value in sixty_fourths]
    frame = Track.cast(track(1, len(spm)).with_columns(cadence_spm=pl.Series(spm)))
    with tempfile.TemporaryDirectory() as place, Workspace(Path(place) / "w") as workspace:
        add(workspace, RunResult(run_row(1), round_track(frame), round_grid(grid(1, 1))))
        assert workspace.load_track(run_row(1)["run_id"])["cadence_spm"].to_list() == spm


def test_packs_of_an_older_surefoot_are_read(workspace: Workspace) -> None:
    """Numbers in 64 bits, as packs had them, come back as those in 32 do."""
    add(workspace, run_result(1), run_result(2))
    names = [run_row(number)["run_id"] for number in (1, 2)]
    grid_of_both, tracks = workspace.load_grid("ada"), dict(workspace.load_tracks(names))
    for file in workspace.path.glob("packs/*/*/*.parquet"):
        with_wider_numbers(file)
    assert_frame_equal(workspace.load_grid("ada"), grid_of_both)
    for name, loaded in workspace.load_tracks(names):
        assert_frame_equal(loaded, tracks[name])


@pytest.mark.sqlite_alone
def test_what_no_run_has_is_not_kept(workspace: Workspace) -> None:
    """A distance that 32 bits do not hold, in centimetres over 21,474 km, is not known; the others stay."""
    distance = pl.Series([1.0, 21_474_836.47, 21_474_836.48, 1e12])
    add(workspace, replace(run_result(1), track=round_track(track(1, 4).with_columns(distance_m=distance))))
    loaded = workspace.load_track(run_row(1)["run_id"])["distance_m"]
    assert loaded.to_list() == [1.0, 21_474_836.47, None, None]
