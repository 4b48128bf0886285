"""Seasons on disk, and the small one that is kept in the repository."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import sample_data
from sample_data import STEADIED, OccupiedError, write_season
from sample_data.plan import LOG_COLUMNS, plan_season
from sample_data.recording import record_run
from sample_data.routes import make_routes

KEPT = Path(sample_data.__file__).parent / "season" / "steadied"


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One written week of the steadied runner."""
    return write_season(tmp_path_factory.mktemp("week"), STEADIED, 1)


def test_same_seed_same_bytes(week: Path, tmp_path: Path) -> None:
    """A season written twice is the same, byte for byte."""
    assert _contents(write_season(tmp_path, STEADIED, 1)) == _contents(week)


def test_other_seed_other_bytes(week: Path, tmp_path: Path) -> None:
    """Another seed gives another season."""
    other = write_season(tmp_path, replace(STEADIED, seed=5), 1)
    assert _contents(other / "runs") != _contents(week / "runs")


def test_complete_season_is_left_alone(week: Path) -> None:
    """A second call with the same parameters writes nothing."""
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in week.rglob("*")}
    write_season(week.parent, STEADIED, 1)
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in week.rglob("*")} == before


def test_other_parameters_replace_it(tmp_path: Path) -> None:
    """A season of other parameters takes the place of an earlier one, wholly."""
    earlier = set(_contents(write_season(tmp_path, replace(STEADIED, seed=5), 1) / "runs"))
    folder = write_season(tmp_path, STEADIED, 1)
    assert not earlier & set(_contents(folder / "runs"))
    assert [path.name for path in tmp_path.iterdir()] == ["steadied"]


def test_other_peoples_folders_are_safe(tmp_path: Path) -> None:
    """A folder that is no sample season is refused and kept."""
    mine = tmp_path / "steadied" / "runs" / "mine.fit"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"precious")
    with pytest.raises(OccupiedError, match="--out"):
        write_season(tmp_path, STEADIED, 1)
    assert mine.read_bytes() == b"precious"


def test_command_says_what_is_wrong(tmp_path: Path) -> None:
    """The command gives one line and exit code 2 for a folder it may not write to."""
    (tmp_path / "steadied").mkdir()
    command = [
        sys.executable,
        "-m",
        "sample_data",
        "--out",
        str(tmp_path),
        "--runner",
        "steadied",
        "--weeks",
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=KEPT.parents[2], check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_kept_season_is_small() -> None:
    """The season in the repository is under 3 MB and has all three formats."""
    contents = _contents(KEPT)
    assert sum(map(len, contents.values())) < 3_000_000
    assert {Path(name).suffix for name in contents if name.startswith("runs/")} == {".fit", ".gpx", ".tcx"}


def test_kept_season_is_what_the_generator_makes() -> None:
    """Log, plan and ground of the kept season are those that the code gives today."""
    routes = {route.name: route for route in make_routes()}
    season = plan_season(STEADIED, 3, tuple(routes.values()))
    kept_log = _rows(KEPT / "balance-log.csv")
    assert tuple(kept_log[0]) == LOG_COLUMNS
    assert kept_log == [
        {key: "" if value is None else str(value) for key, value in row.items()} for row in season.log
    ]
    for row, run in zip(_rows(KEPT / "truth" / "runs.csv"), season.runs, strict=True):
        assert row["file"] == run.file_name
        assert float(row["effect"]) == pytest.approx(run.effect)
        assert float(row["log_unsteadiness_technical"]) == pytest.approx(run.log_unsteadiness_technical)
        assert (KEPT / "runs" / run.file_name).is_file()
    run = season.runs[0]
    way = routes[run.route].reversed() if run.direction == "reverse" else routes[run.route]
    recording = record_run(STEADIED, way, run)
    ground = [row for row in _rows(KEPT / "truth" / "stretches.csv") if row["file"] == run.file_name]
    for row, truth in zip(ground, recording.stretches, strict=True):
        assert row["terrain"] == truth[0]
        assert float(row["start_s"]) == pytest.approx(truth[1], abs=1)
        assert float(row["end_m"]) == pytest.approx(truth[4], abs=3)


def test_truth_of_the_routes() -> None:
    """truth.json tells the planted effect, the half-life and each route's stretches."""
    truth = json.loads((KEPT / "truth" / "truth.json").read_text())
    assert truth["effect_per_45_min"] == pytest.approx(-0.4)
    assert truth["half_life_days"] == 21
    for route in make_routes():
        told = truth["routes"][route.name]["stretches"]
        assert [(s["terrain"], s["start_m"], s["end_m"]) for s in told] == [
            (s.terrain, s.start_m, s.end_m) for s in route.stretches
        ]
