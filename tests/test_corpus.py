"""Real recordings through the whole import: every file accounted for, and ground that tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from pipeline.batch import Imported, find_files, import_files
from pipeline.effect import relate_effect
from pipeline.engine import LocalEngine
from pipeline.tables import BalanceSessions, Runs, Segments, Stability
from pipeline.workspace import Workspace

STATUSES = {"run", "duplicate", "skipped", "rejected"}
SEASONS = ("trail-season", "road-season")
STRANGE = ("odd", "other-vendors", "no-cadence")


@pytest.fixture(scope="module")
def imported(
    corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, dict[str, Imported]]]:
    """Each folder of the corpus as one athlete of a workspace, read by two workers."""
    engine = LocalEngine(2)
    with Workspace(tmp_path_factory.mktemp("corpus") / "workspace") as workspace:
        done = {}
        for folder in (*SEASONS, *STRANGE):
            found = find_files([corpus / folder], workspace.path)
            done[folder] = import_files(workspace, found, folder, engine, keep=False)
        engine.close()
        yield workspace, done


@pytest.fixture(scope="module")
def workspace(imported: tuple[Workspace, dict[str, Imported]]) -> Workspace:
    """The workspace that the corpus was read into."""
    return imported[0]


@pytest.mark.parametrize("folder", [*SEASONS, *STRANGE])
def test_every_file_has_one_status(
    corpus: Path, imported: tuple[Workspace, dict[str, Imported]], folder: str
) -> None:
    """Each file is a run, a duplicate, skipped or rejected, and nothing is counted twice or lost."""
    workspace, done = imported
    n_files = sum(file.is_file() for file in (corpus / folder).rglob("*"))
    assert len(done[folder].results) + done[folder].copies == n_files
    assert done[folder].known == 0
    assert {result.status for result in done[folder].results} <= STATUSES
    assert workspace.counts(folder)["files"] == n_files
    with_runs = workspace.load_runs(folder)["content_sha256"].n_unique()
    assert with_runs == workspace.counts(folder)["runs"]


@pytest.mark.parametrize("folder", [*SEASONS, *STRANGE])
def test_what_is_set_aside_has_its_reason(
    imported: tuple[Workspace, dict[str, Imported]], folder: str
) -> None:
    """A file that is no run of its own says why in one plain sentence, without a path, a position or code."""
    for result in imported[1][folder].results:
        if result.status == "run":
            continue
        said = result.reason
        assert said, result.source_name
        assert "\n" not in said
        assert not re.search(r"(^|\s)/\w|Error\b|Traceback|None\b|-?\d{1,3}\.\d{4,}", said), said


@pytest.mark.parametrize("folder", [*SEASONS, *STRANGE])
def test_the_tables_of_real_runs_are_valid(workspace: Workspace, folder: str) -> None:
    """Runs, segments and steadiness of real recordings keep what the tables promise."""
    assert Runs.is_valid(workspace.load_runs(folder))
    assert Segments.is_valid(workspace.load_segments(folder))
    assert Stability.is_valid(workspace.load_stability(folder))
    unused = workspace.load_runs(folder).filter(~pl.col("counts"))
    assert (unused["counts_reason"].str.len_chars() > 0).all()


def test_most_of_a_trail_season_counts(workspace: Workspace) -> None:
    """At least 150 runs of the trail season's first watch, a Suunto, enter the answer."""
    runs = workspace.load_runs("trail-season")
    suunto = runs.filter(pl.col("device").str.contains("suunto"), pl.col("counts"))
    assert len(suunto) >= 150


def test_technical_ground_is_less_steady(workspace: Workspace) -> None:
    """In nine of ten real runs with both grounds cadence wobbles more on the technical one."""
    both = (
        workspace.load_stability("trail-season")
        .filter(metric="cadence_cv", direction="all")
        .pivot(on="terrain", index="run_id", values="value")
        .drop_nulls()
    )
    assert len(both) >= 150
    assert (both["technical"] > both["smooth"]).mean() >= 0.9


def test_a_road_season_is_smooth(workspace: Workspace) -> None:
    """Less than 5 % of a season of flat road runs is called technical."""
    segments = workspace.load_segments("road-season").with_columns(length=pl.col("end_m") - pl.col("start_m"))
    technical = segments.filter(terrain="technical")["length"].sum()
    assert technical / segments["length"].sum() < 0.05


def test_without_cadence_nothing_counts(workspace: Workspace) -> None:
    """Runs of a watch without cadence are kept as runs that do not count, with that reason."""
    runs = workspace.load_runs("no-cadence")
    assert len(runs) == 4
    assert set(runs["counts_reason"]) == {"no cadence was recorded"}


def test_a_change_of_watch_is_not_progress(workspace: Workspace) -> None:
    """An invented log that begins as the watch changes shows nothing; without a level per watch it would.

    Balance work that never was, from three weeks before the trail season's second watch on. That watch shows
    half the wobble on either ground.
    """
    runs, stability = workspace.load_runs("trail-season"), workspace.load_stability("trail-season")
    change = runs.filter(pl.col("device").str.contains("garmin"))["local_date"].min()
    first, last = runs["local_date"].min(), runs["local_date"].max()
    days = [first - timedelta(days=30)] + [
        day
        for day in pl.date_range(change - timedelta(days=23), last, eager=True)
        if day.weekday() in (0, 2, 4)
    ]
    log = pl.DataFrame({"date": days}).with_columns(
        session_id=pl.int_range(pl.len()).cast(pl.String),
        athlete_id=pl.lit("trail-season"),
        drill=pl.lit("single-leg stance"),
        category=pl.lit("static"),
        minutes=pl.when(pl.col("date") < first).then(0.0).otherwise(20.0),
    )
    empty = {name: None for name in BalanceSessions.column_names() if name not in log.columns}
    sessions = BalanceSessions.cast(log.with_columns(**empty | {"note": pl.lit("")}))
    with_levels = relate_effect(runs, stability, sessions)
    without = relate_effect(Runs.validate(runs.with_columns(device_epoch=pl.lit("any"))), stability, sessions)
    assert set(with_levels["verdict"]) <= {"not precise enough", "cannot tell yet"}
    assert ((with_levels["low"] < 0) & (with_levels["high"] > 0)).all()
    claims = {row["outcome"]: row for row in without.iter_rows(named=True)}
    for outcome in ("technical", "technical alone", "smooth"):
        assert claims[outcome]["high"] < 0
        assert claims[outcome]["p"] < 0.05
