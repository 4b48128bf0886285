"""A watched folder: what is at rest is taken in once, and nothing that comes or goes ends the watch."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import SurefootError
from pipeline.watch import WatchedFolder
from pipeline.workspace import Workspace
from tests.made_runs import fit_file, gpx_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder to watch."""
    watched = tmp_path / "sync"
    watched.mkdir()
    return watched


def names(watched: WatchedFolder) -> list[str]:
    """The files that are told now, which are then taken."""
    files = watched.resting()
    watched.take(files)
    return [file.source_name for file in files]


def test_a_file_is_told_once_at_rest(folder: Path) -> None:
    """A file that still grows is not told; one that is as it was before is, once."""
    watched = WatchedFolder(folder, folder / "workspace")
    (folder / "a.fit").write_bytes(b"half")
    assert names(watched) == []
    (folder / "a.fit").write_bytes(b"half and half")
    assert names(watched) == []
    assert names(watched) == ["a.fit"]
    assert names(watched) == []


def test_a_changed_file_is_told_again(folder: Path) -> None:
    """Another content, and rights that were given later, count as a change."""
    watched = WatchedFolder(folder, folder / "workspace")
    (folder / "a.fit").write_bytes(b"one")
    assert [names(watched), names(watched)] == [[], ["a.fit"]]
    (folder / "a.fit").write_bytes(b"another")
    assert [names(watched), names(watched)] == [[], ["a.fit"]]
    (folder / "a.fit").chmod(0o400)
    assert [names(watched), names(watched)] == [[], ["a.fit"]]


def test_what_was_not_taken_is_told_again(folder: Path) -> None:
    """A file stays told until it is taken, so that a full disk costs nothing but time."""
    watched = WatchedFolder(folder, folder / "workspace")
    (folder / "a.fit").touch()
    watched.resting()
    assert [file.source_name for file in watched.resting()] == ["a.fit"]
    assert names(watched) == ["a.fit"]
    assert names(watched) == []


def test_hidden_files_and_the_workspace_are_left_out(folder: Path) -> None:
    """Files below are named from the folder; hidden ones, hidden folders and the workspace's are not told."""
    for name in ("b/c.gpx", "a.fit", ".a.fit.part", ".sync/x.fit", "workspace/originals/x.gz"):
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).touch()
    watched = WatchedFolder(folder, folder / "workspace")
    assert [names(watched), names(watched)] == [[], ["a.fit", "b/c.gpx"]]


def test_vanished_files_and_folders(folder: Path) -> None:
    """A dangling link and a file that went are not told; a folder that went is said, and may come back."""
    watched = WatchedFolder(folder, folder / "workspace")
    (folder / "gone.fit").touch()
    (folder / "link.fit").symlink_to(folder / "nowhere")
    watched.resting()
    (folder / "gone.fit").unlink()
    assert names(watched) == []
    (folder / "a.fit").touch()
    assert [names(watched), names(watched)] == [[], ["a.fit"]]
    away = folder.rename(folder.with_name("away"))
    with pytest.raises(SurefootError, match=r"the folder .* cannot be read .*: name another, or wait"):
        watched.resting()
    away.rename(folder)
    (folder / "b.fit").touch()
    assert [names(watched), names(watched)] == [[], ["b.fit"]]


@pytest.fixture
def watching(folder: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`surefoot watch` at work on the folder."""
    words = ["watch", str(folder), "--athlete", "ada", "--workspace", str(tmp_path / "w"), "--workers", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command(
    watching: subprocess.Popen[str], folder: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    """One line a file; a folder that goes and comes back is survived; Ctrl-C and SIGTERM end it cleanly."""
    assert watching.stdout is not None
    assert watching.stderr is not None
    assert watching.stdout.readline() == f"Watching {folder} for ada: Ctrl-C ends it\n"
    (folder / "a.fit").write_bytes(fit_file(0))
    assert watching.stdout.readline() == "a.fit: a new run\n"
    away = folder.rename(folder.with_name("away"))
    assert watching.stderr.readline().startswith(f"surefoot: the folder {folder} cannot be read")
    shutil.copy(away / "a.fit", away / "copy.fit")
    (away / "b.gpx").write_bytes(gpx_file(1))
    (away / "c.txt").write_text("no run")
    away.rename(folder)
    said = [watching.stdout.readline() for _ in range(3)]
    assert "b.gpx: a new run\n" in said
    assert "c.txt: rejected: it is neither FIT nor GPX nor TCX\n" in said
    assert said[-1] == "1 file already known\n"
    os.killpg(watching.pid, ending)
    out, err = watching.communicate(timeout=60)
    assert (watching.returncode, out, err) == (0, "No longer watching\n", "")
    with Workspace(tmp_path / "w", read_only=True) as workspace:
        assert workspace.counts("ada")["runs"] == 2


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A folder that is missing from the start is a mistake in one line, and no workspace is made."""
    command = [sys.executable, "-m", "pipeline", "watch", str(tmp_path / "none"), "--athlete", "ada"]
    done = subprocess.run(
        [*command, "--workspace", str(tmp_path / "w")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "cannot be read (No such file or directory)" in done.stderr
    assert not (tmp_path / "w").exists()
