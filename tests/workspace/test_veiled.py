"""A workspace seen through its zones: no hidden position and no hidden second in any table or answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import cli
from pipeline.batch import find_files, import_files, mark_stretch
from pipeline.export import export_table
from pipeline.privacy import draw_zone, find_hidden
from pipeline.tables import PUBLIC
from pipeline.workspace import VeiledWorkspace, Workspace
from tests import made_runs
from tests.imports import HereEngine

ADA = "ada"
# Columns that say where or when within a run. A table that has one must be veiled.
TELLING = {"lat_deg", "lon_deg", "elapsed_s", "start_s", "end_s", "way"}
VEILED = {"track", "channels", "grid", "segments", "repeats", "marks"}
TOTALS = {"runs"}  # elapsed_s of a run is the length of the whole


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five runs of the made loop, with a mark on its first kilometre."""
    path = tmp_path_factory.mktemp("veiled")
    for number in range(5):
        (path / f"{number}.fit").write_bytes(made_runs.fit_file(number))
    with Workspace(path / "w") as workspace:
        import_files(workspace, find_files([path], path / "w"), ADA, HereEngine())
        run_id = workspace.load_runs(ADA)["run_id"][0]
        mark_stretch(workspace, ADA, run_id, 100.0, 900.0, "technical")
        assert len(workspace.load_repeats(ADA))
    return path / "w"


@contextmanager
def hiding(folder: Path, *places: tuple[float, float], radius_m: float = 300.0) -> Iterator[VeiledWorkspace]:
    """The workspace with zones about these places, as it is looked at."""
    zones = [draw_zone(ADA, f"zone {n}", *place, radius_m) for n, place in enumerate(places)]
    with Workspace(folder) as workspace:
        for row in zones:
            workspace.save_zone(row)
    try:
        with VeiledWorkspace(folder, read_only=True) as veiled:
            yield veiled
    finally:
        with Workspace(folder) as workspace, workspace._writing() as connection:
            connection.exec_driver_sql("DELETE FROM zones")


def tracks_of(folder: Path) -> dict[str, pl.DataFrame]:
    """The whole tracks."""
    with Workspace(folder, read_only=True) as workspace:
        return dict(workspace.load_tracks(workspace.load_runs(ADA)["run_id"].to_list()))


def exported(workspace: Workspace, table: str, out: Path) -> pl.DataFrame:
    """A table as `surefoot export` writes it."""
    export_table(workspace, table, "parquet", out / f"{table}.parquet", ADA)
    return pl.read_parquet(out / f"{table}.parquet")


def test_every_table_that_tells_is_veiled() -> None:
    """Every public table with a column that says where or when has the zones taken out of it."""
    telling = {name for name, schema in PUBLIC.items() if TELLING & set(schema.columns())}
    assert telling - TOTALS == VEILED


@given(data=st.data(), radius_m=st.floats(100, 2000))
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_hidden_is_exported(
    folder: Path, tmp_path: Path, data: st.DataObject, radius_m: float
) -> None:
    """Wherever zones lie: no position in them and no second of them is in any public table."""
    tracks = tracks_of(folder)
    places = []
    for _ in range(data.draw(st.integers(1, 2))):
        known = data.draw(st.sampled_from(list(tracks.values()))).drop_nulls("lat_deg")
        places.append(known.select("lat_deg", "lon_deg").row(data.draw(st.integers(0, len(known) - 1))))
    with hiding(folder, *places, radius_m=radius_m) as veiled:
        zones = veiled.load_zones(ADA)
        hidden = {run_id: find_hidden(track, zones) for run_id, track in tracks.items()}
        assert any(hidden.values())
        for table in VEILED:
            frame = exported(veiled, table, tmp_path)
            assert set(frame.columns) == set(PUBLIC[table].columns())
            for row in frame.iter_rows(named=True):
                for column in {"elapsed_s", "start_s", "end_s"} & set(row):
                    assert not hidden[row["run_id"]].at(np.array([float(row[column])])).any(), (table, column)
            positions = _positions(frame)
            for run_id, track in tracks.items():
                of_run = hidden[run_id].is_hidden
                secret = track.filter(pl.Series(of_run)).select("lat_deg", "lon_deg").drop_nulls()
                assert positions.isdisjoint(secret.iter_rows()), table


def _positions(frame: pl.DataFrame) -> set[tuple[float, float]]:
    if "lat_deg" in frame.columns:
        return set(frame.select("lat_deg", "lon_deg").drop_nulls().iter_rows())
    if "way" in frame.columns:
        points = [point.split()[:2] for way in frame["way"] for point in way.split("; ")]
        return {(float(lat), float(lon)) for lat, lon in points}
    return set()


def test_results_are_those_of_the_whole_run(folder: Path, tmp_path: Path) -> None:
    """Steadiness, the answer, the two grounds and the runs are the same with a zone and without."""
    start = next(iter(tracks_of(folder).values())).select("lat_deg", "lon_deg").drop_nulls().row(0)
    with Workspace(folder, read_only=True) as whole:
        run_id = whole.load_runs(ADA)["run_id"][0]
        before = whole.load_runs(ADA), whole.load_stability(ADA), whole.load_effects(ADA)
        grounds = whole.load_grounds(run_id)
        seconds = len(whole.load_track(run_id))
    with hiding(folder, start) as veiled:
        after = veiled.load_runs(ADA), veiled.load_stability(ADA), veiled.load_effects(ADA)
        assert all(a.equals(b) for a, b in zip(before, after, strict=True))
        assert veiled.load_grounds(run_id).equals(grounds)
        assert 0 < len(veiled.load_track(run_id)) < seconds


def test_a_zone_of_one_hides_a_run_that_two_have(folder: Path, tmp_path: Path) -> None:
    """Who has the same recording is shown no more of it than its other owner lets be seen."""
    start = next(iter(tracks_of(folder).values())).select("lat_deg", "lon_deg").drop_nulls().row(0)
    with Workspace(tmp_path / "w") as workspace:
        for athlete in (ADA, "bob"):
            import_files(
                workspace, find_files([folder.parent / "0.fit"], tmp_path / "w"), athlete, HereEngine()
            )
        workspace.save_zone(draw_zone("bob", "home", *start, 500.0))
    with VeiledWorkspace(tmp_path / "w", read_only=True) as veiled:
        [run_id] = veiled.load_runs(ADA)["run_id"]
        assert veiled.load_track(run_id)["elapsed_s"][0] > 0
        assert veiled.load_grid(ADA)["elapsed_s"][0] > 0
        assert veiled.load_starts(ADA, 10).is_empty()


def call(folder: Path, *words: str) -> Any:
    """What a command prints."""
    return CliRunner().invoke(cli.main, [*words, "--athlete", ADA, "--workspace", str(folder)])


def test_the_command_hides_lists_and_takes_back(folder: Path, tmp_path: Path) -> None:
    """`surefoot zone` makes a zone where a run began; export leaves it out, archive keeps it and says so."""
    with Workspace(folder, read_only=True) as workspace:
        run_id = workspace.load_runs(ADA)["run_id"][0]
    csv = tmp_path / "track.csv"
    whole = call(folder, "export", "track", "--out", str(csv)).stdout
    made = call(folder, "zone", "home", "--start-of", run_id, "--radius", "200")
    assert made.exit_code == 0, made.output
    assert call(folder, "zone").stdout.splitlines() == ["home: 200 m about a place"]
    assert call(folder, "export", "track", "--out", str(csv)).stdout != whole
    assert call(folder, "zone", "home", "--at", "1,2").exit_code == 2
    said = call(folder, "archive", str(tmp_path / "ada.zip"))
    assert "Privacy zones hide nothing in it" in said.stdout
    other = tmp_path / "other"
    assert (
        CliRunner()
        .invoke(cli.main, ["unarchive", str(tmp_path / "ada.zip"), "--workspace", str(other)])
        .exit_code
        == 0
    )
    with VeiledWorkspace(other, read_only=True) as taken:
        assert taken.load_zones(ADA)["name"].to_list() == ["home"]
        assert taken.load_track(run_id)["elapsed_s"][0] > 0
    assert "taken back" in call(folder, "zone", "home", "--remove").stdout
    assert call(folder, "export", "track", "--out", str(csv)).stdout == whole


@pytest.mark.parametrize(
    "words",
    [
        ("home",),
        ("--at", "1,2"),
        ("home", "--at", "here"),
        ("home", "--at", "1,2", "--radius", "50"),
        ("home", "--start-of", "nobody"),
        ("work", "--remove"),
    ],
)
def test_a_wrong_zone_is_refused_in_one_line(folder: Path, words: tuple[str, ...]) -> None:
    """What names no place, no run or no zone is refused, and nothing is hidden."""
    said = call(folder, "zone", *words)
    assert (said.exit_code, len(said.stderr.splitlines())) == (2, 1)
    assert call(folder, "zone").stdout == "Nothing is hidden\n"


def test_forgetting_searches_for_zones_as_well(folder: Path, tmp_path: Path) -> None:
    """The middle of a zone is among the positions that are sought once its athlete is forgotten."""
    with hiding(folder, (12.3456, 65.4321)) as veiled:
        middle = veiled.load_zones(ADA).select("lat_deg", "lon_deg").row(0)
        assert middle in veiled.gather_traces(ADA).positions


def test_json_is_as_plain_as_csv(folder: Path, tmp_path: Path) -> None:
    """The three formats of an export leave out the same rows."""
    start = next(iter(tracks_of(folder).values())).select("lat_deg", "lon_deg").drop_nulls().row(0)
    with hiding(folder, start) as veiled:
        counts = {
            format_: export_table(veiled, "segments", format_, tmp_path / f"s.{format_}", ADA)
            for format_ in ("csv", "json", "parquet")
        }
        assert len(json.loads((tmp_path / "s.json").read_text())) == counts["csv"] == counts["parquet"]
