"""What is committed survives kill -9, a full disk and other processes; nothing is there by half."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from workspace_builders import file_result, run_result, run_row, sha

from pipeline.errors import SurefootError
from pipeline.tables import Grid, Track
from pipeline.workspace import Seen, Workspace

pytestmark = pytest.mark.both_databases
HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("SUREFOOT_KILL_ROUNDS", "5"))


def start_writer(path: Path, first: int, last: int = 10_000) -> subprocess.Popen[str]:
    """The writer of writer.py, its committed runs on its standard output."""
    command = [sys.executable, str(HERE / "writer.py"), str(path), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill_while_writing(path: Path, first: int, chance: random.Random) -> int:
    """Kill a writer somewhere after its first commits; gives the last run it said was committed."""
    with start_writer(path, first) as writer:
        assert writer.stdout is not None
        for _ in range(chance.randint(1, 6)):
            last = int(writer.stdout.readline())
        try:
            writer.wait(timeout=chance.uniform(0, 0.02))
        except subprocess.TimeoutExpired:
            writer.send_signal(signal.SIGKILL)
        return max([last, *map(int, writer.stdout.read().split())])


def check_whole(path: Path, at_least: int) -> int:
    """Every run up to `at_least` is there and whole, at most one more is; nothing strays. How many."""
    with Workspace(path) as workspace:
        runs = workspace.load_runs("ada")
        expected = [run_row(number)["run_id"] for number in range(runs.height)]
        assert runs["run_id"].to_list() == expected
        assert runs.height in (at_least + 1, at_least + 2)
        for _, track in workspace.load_tracks(expected):
            assert Track.validate(track).height == 60
        grid = Grid.validate(workspace.load_grid("ada"))
        assert grid.group_by("run_id").len()["len"].to_list() == [30] * runs.height
        for number in range(runs.height):
            assert workspace.load_original(sha(number)) == f"content {number}".encode()
        assert workspace.counts()["skipped"] == runs.height
        assert len(workspace.load_cadence_moments("ada")) == runs.height
        assert len([file for file in path.glob("packs/*/*/*") if file.is_file()]) == 2 * runs.height
        return runs.height


def test_killed_writer(catalogue_in: str, tmp_path: Path) -> None:
    """A writer killed at any moment leaves every committed run whole, and strays are swept."""
    chance = random.Random(1)
    path = tmp_path / "workspace"
    done = 0
    Workspace(path).close()
    rounds = ROUNDS if catalogue_in == "sqlite" else min(ROUNDS, 2)
    for _ in range(rounds):
        last = kill_while_writing(path, done, chance)
        done = check_whole(path, last)
    assert done >= rounds


def test_orphans_are_swept(tmp_path: Path) -> None:
    """A pack that was never committed and a half-written file are gone after the next opening."""
    path = tmp_path / "workspace"
    with Workspace(path) as workspace:
        kept = workspace.save_pack("ada", [run_result(1)])
        workspace.commit("ada", kept, [file_result(run_result(1))])
        orphan = workspace.save_pack("ada", [run_result(2)])
        half = next(path.glob(f"packs/*/*/{kept.pack_id}.tracks.parquet")).with_suffix(".parquet.7.tmp")
        half.write_bytes(b"PAR1")
    with Workspace(path, read_only=True):
        assert list(path.glob(f"packs/*/*/{orphan.pack_id}.*"))
    with Workspace(path) as workspace:
        assert {file.name.split(".")[0] for file in path.glob("packs/*/*/*")} == {kept.pack_id}
        assert not half.exists()
        assert workspace.load_track(run_row(1)["run_id"]).height == 120


def test_sweep_leaves_a_writer_alone(tmp_path: Path) -> None:
    """Opening a workspace while another writes removes none of that writer's packs."""
    path = tmp_path / "workspace"
    with Workspace(path) as writer, writer.writer_lock():
        run = run_result(1)
        pack = writer.save_pack("ada", [run])
        subprocess.run([sys.executable, str(HERE / "writer.py"), str(path), "0", "0"], check=True)
        writer.commit("ada", pack, [file_result(run)])
        assert writer.load_track(run.run["run_id"]).height == 120


def test_second_writer_is_told(tmp_path: Path) -> None:
    """A second writer waits for a bounded time and is then told who writes and what would do."""
    path = tmp_path / "workspace"
    with Workspace(path) as first, Workspace(path) as second, first.writer_lock():
        words = rf"another process \({os.getpid()}\) is writing to .*: wait until it is done[^\n]*$"
        with pytest.raises(SurefootError, match=words), second.writer_lock(wait_s=0.01):
            pass
    with Workspace(path) as second, second.writer_lock(wait_s=0.01), second.writer_lock(wait_s=0.01):
        pass


def test_reader_beside_a_writer(tmp_path: Path) -> None:
    """While one process writes, another reads every run that is committed, and never half of one."""
    path = tmp_path / "workspace"
    Workspace(path).close()
    with start_writer(path, 0, 25) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            with Workspace(path, read_only=True) as reader:
                runs = reader.load_runs()
                assert runs.height > int(line)
                assert reader.load_track(runs["run_id"][-1]).height == 60
    assert check_whole(path, 24) == 25


@pytest.mark.sqlite_alone
def test_full_disk(tmp_path: Path) -> None:
    """Where a file cannot grow any more one line says so, and what was committed stays."""
    path = tmp_path / "workspace"
    with Workspace(path) as workspace:
        for number in (1, 2):
            pack = workspace.save_pack("ada", [run_result(number)])
            workspace.commit("ada", pack, [file_result(run_result(number))])
        big = run_result(3, seconds=20_000)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
            with pytest.raises(SurefootError, match=r"could not be written .*: make room[^\n]*$"):
                workspace.save_pack("ada", [big])
            with pytest.raises(SurefootError, match=r"cannot be used .*: make room[^\n]*$"):
                workspace.commit("ada", None, [], [Seen("x" * 50_000, 1, 1, sha(1))])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert not list(path.rglob("*.tmp"))
        assert workspace.load_runs().height == 2
        pack = workspace.save_pack("ada", [big])
        workspace.commit("ada", pack, [file_result(big)])
    with Workspace(path) as workspace:
        heights = [track.height for _, track in workspace.load_tracks(workspace.load_runs()["run_id"])]
        assert heights == [120, 120, 20_000]


@pytest.mark.sqlite_alone
def test_damaged_pack_is_said(tmp_path: Path) -> None:
    """A pack that something else damaged gives one line, not a traceback of the Parquet library."""
    path = tmp_path / "workspace"
    with Workspace(path) as workspace:
        pack = workspace.save_pack("ada", [run_result(1)])
        workspace.commit("ada", pack, [file_result(run_result(1))])
        for file in path.glob("packs/*/*/*"):
            file.write_bytes(file.read_bytes()[:-9])
        with pytest.raises(SurefootError, match=r"damaged[^\n]*$"):
            workspace.load_track(run_row(1)["run_id"])
        assert isinstance(workspace.load_runs(), pl.DataFrame)
