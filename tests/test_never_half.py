"""The command killed, starved of disk and started twice: what was finished is there, and nothing by half."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from pipeline.tables import Grid, Track
from pipeline.workspace import Workspace
from sample_data.write_fit import fit_bytes
from tests.made_runs import recording

ROUNDS = int(os.environ.get("SUREFOOT_KILL_ROUNDS", "5"))
N_RUNS = 64
SECONDS = 240
JOINED = ("technicality", "terrain", "segment_id")
TABLES = ("runs", "segments", "stability", "dose", "effects", "files", "grid")


def short_run(number: int) -> bytes:
    """The first minutes of a made-up run, each on a day of its own, as FIT."""
    whole = recording(number % 3)
    arrays = {
        name: getattr(whole, name)[:SECONDS]
        for name in whole.__dataclass_fields__
        if len(
            getattr(whole, name, ()) if name.endswith(("_s", "_deg", "_m", "_mps", "_bpm", "_spm")) else ()
        )
    }
    short = replace(whole, start_time=whole.start_time + timedelta(days=number), pauses=(), **arrays)
    return fit_bytes(short, serial_number=number)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 64 short runs."""
    runs = tmp_path_factory.mktemp("never-half") / "runs"
    runs.mkdir()
    for number in range(N_RUNS):
        (runs / f"{number:02}.fit").write_bytes(short_run(number))
    return runs


def analyse(*folders: Path, workspace: Path, **options: object) -> subprocess.Popen[str]:
    """The command at work on folders, in a process group of its own."""
    words = [
        "analyse",
        *map(str, folders),
        "--athlete",
        "ada",
        "--workspace",
        str(workspace),
        "--workers",
        "2",
    ]
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def tables(path: Path) -> dict[str, pl.DataFrame]:
    """Everything that is known of ada."""
    with Workspace(path, read_only=True) as workspace:
        return {name: getattr(workspace, f"load_{name}")("ada") for name in TABLES}


@pytest.fixture(scope="module")
def undisturbed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A workspace that was filled in one go, and how long that took."""
    path = tmp_path_factory.mktemp("undisturbed") / "workspace"
    start = time.monotonic()
    with analyse(folder, workspace=path) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, ""), err
    assert f"{N_RUNS} new runs" in out
    return path, time.monotonic() - start


def assert_same(path: Path, expected: Path) -> None:
    """Two workspaces hold the same, table by table, value by value."""
    ours, theirs = tables(path), tables(expected)
    for name in TABLES:
        assert ours[name].equals(theirs[name]), name


def whole_runs(path: Path, expected: Path) -> set[str]:
    """The runs of a workspace that opens, each with the track it has where nothing disturbed; no strays."""
    with Workspace(path) as workspace, Workspace(expected, read_only=True) as other:
        runs = workspace.load_runs("ada")["run_id"].to_list()
        for run_id, track in workspace.load_tracks(runs):
            assert Track.validate(track).drop(JOINED).equals(other.load_track(run_id).drop(JOINED))
            kept = workspace.load_run(run_id)["content_sha256"]
            assert workspace.load_original(kept)
        grid = Grid.validate(workspace.load_grid("ada"))
        assert set(grid["run_id"]) == set(runs)
        assert workspace.counts("ada")["files"] == len(runs)
    assert not list(path.rglob("*.tmp"))
    return set(runs)


def test_killed_at_any_moment(folder: Path, undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    """After kill -9 of command and workers every finished run is there, whole, and the next call goes on."""
    expected, span_s = undisturbed
    chance = random.Random(3)
    path, done, kills = tmp_path / "0", set[str](), 0
    while kills < ROUNDS:
        with analyse(folder, workspace=path) as process:
            try:
                out, err = process.communicate(timeout=chance.uniform(0.2, span_s))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
        if process.returncode == 0:
            assert f"{len(done)} already known" in out
            assert_same(path, expected)
            path, done = path.with_name(f"after-{kills}"), set()
        elif (path / "catalogue.sqlite").exists():
            found = whole_runs(path, expected)
            assert found >= done
            done = found
    with analyse(folder, workspace=path) as process:
        _, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert_same(path, expected)


@pytest.mark.parametrize("bytes_left", [10_000, 80_000])
def test_full_disk(folder: Path, undisturbed: tuple[Path, float], tmp_path: Path, bytes_left: int) -> None:
    """Where files cannot grow the command says so in one line and leaves with 2; with room it goes on."""
    path = tmp_path / "workspace"

    def starve() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, bytes_left))

    with analyse(folder, workspace=path, preexec_fn=starve) as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert re.fullmatch(r"surefoot: [^\n]*make room[^\n]*\n", err), err
    with analyse(folder, workspace=path) as process:
        _, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert_same(path, undisturbed[0])


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[Callable[[], None] | None]:
    """A disk of so many bytes mounted at `place`; where that is not allowed, a limit for the command's files.

    Gives what a starting process has to do to be limited, if anything.
    """
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size // 8, size // 8))
        return
    try:
        yield None
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_disk_that_fills_up(folder: Path, undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    """On a real disk that is full half way: one line, a workspace that opens, every finished run, and on."""
    expected, _ = undisturbed
    needed = sum(file.stat().st_size for file in expected.rglob("*") if file.is_file())
    with small_disk(tmp_path / "disk", needed // 2) as limit:
        path = tmp_path / "disk" / "workspace"
        with analyse(folder, workspace=path, preexec_fn=limit) as process:
            out, err = process.communicate()
        assert (process.returncode, out) == (2, "")
        assert re.fullmatch(r"surefoot: [^\n]*make room[^\n]*\n", err), err
        read = tables(path)
        shutil.copytree(path, tmp_path / "workspace")
    found = whole_runs(tmp_path / "workspace", expected)
    assert found == set(read["runs"]["run_id"])
    with analyse(folder, workspace=tmp_path / "workspace") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert f"{len(found)} already known" in out
    assert_same(tmp_path / "workspace", expected)


def test_two_at_once(folder: Path, undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    """Two commands on one workspace both finish, and together they take each run in once."""
    path = tmp_path / "workspace"
    with analyse(folder, workspace=path) as one, analyse(folder, workspace=path) as other:
        said = [process.communicate() for process in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), said
    new = [int(match[1]) for out, _ in said if (match := re.search(r"(\d+) new run", out))]
    assert sum(new) == N_RUNS
    assert_same(path, undisturbed[0])


def test_the_second_says_that_it_waits(folder: Path, undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    """While another process writes, the command says who in one line, waits, and then does its work."""
    path = tmp_path / "workspace"
    with Workspace(path) as workspace:
        with workspace.writer_lock():
            process = analyse(folder, workspace=path)
            assert process.stderr is not None
            line = process.stderr.readline()
        assert line == (
            f"surefoot: another process ({os.getpid()}) is writing to the workspace {path}: "
            "waiting until it is done\n"
        )
        with process:
            _, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert_same(path, undisturbed[0])


def test_import_again_changes_nothing(folder: Path, undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    """Copied, renamed and touched files are known: every table stays, and so does every byte of the packs."""
    path, _ = undisturbed
    before = tables(path), {file: file.read_bytes() for file in path.glob("packs/*/*/*")}
    copies = tmp_path / "copies"
    copies.mkdir()
    for file in folder.iterdir():
        (copies / f"copy of {file.name}").write_bytes(file.read_bytes())
        os.utime(file, (1, 1))
    with analyse(folder, copies, workspace=path) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert f"0 new runs, {2 * N_RUNS} already known" in out
    after = tables(path), {file: file.read_bytes() for file in path.glob("packs/*/*/*")}
    assert all(before[0][name].equals(after[0][name]) for name in TABLES)
    assert before[1] == after[1]
