"""What a person sees while an import runs: a bar on a terminal, nothing elsewhere, and a table at the end."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.made_runs import fit_file

N_FILES = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Runs that differ by a byte after their end, and files that are none."""
    runs = tmp_path / "runs"
    runs.mkdir()
    for number in range(N_FILES - 2):
        (runs / f"{number:02}.fit").write_bytes(fit_file(number % 4) + bytes([number]))
    (runs / "notes.txt").write_text("no run")
    (runs / "empty.fit").touch()
    return runs


def on_a_terminal(folder: Path, workspace: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The command with its stderr on a terminal of its own, and the other end of that terminal."""
    ours, theirs = pty.openpty()
    words = ["analyse", str(folder), "--athlete", "ada", "--workspace", str(workspace), "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *words],
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    return process, ours


def read_terminal(terminal: int, until: str = "") -> str:
    """What is drawn, without the codes that move the cursor, up to words or the end."""
    drawn = b""
    try:
        while not until or until not in drawn.decode(errors="ignore"):
            drawn += os.read(terminal, 4096)
    except OSError:  # the last process with the terminal's other end is gone
        pass
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode(errors="ignore"))


def test_the_bar_and_the_table(folder: Path, tmp_path: Path) -> None:
    """The bar has count, rate, time left and the number set aside; the table says what became of all."""
    process, terminal = on_a_terminal(folder, tmp_path / "w")
    drawn = read_terminal(terminal)
    os.close(terminal)
    out, _ = process.communicate()
    assert process.returncode == 0
    assert re.search(rf"\d+/{N_FILES}\b", drawn), drawn[-500:]
    for words in (r"reading", r"comparing the runs", r"\d a second", r"\d:\d\d:\d\d", r"2 set aside"):
        assert re.search(words, drawn), words
    first, *rest = out.decode().splitlines()
    assert (
        first
        == f"{N_FILES} files: 4 new runs, 0 already known, 34 duplicates, 0 skipped (not a run), 2 rejected"
    )
    assert "     34  duplicate  the same run in a better recording is there" in rest
    assert "      1  rejected   the file is empty" in rest
    assert rest[-1] == "`surefoot status --rejected` lists the rejected files with what would do."


def test_nothing_is_drawn_elsewhere(folder: Path, tmp_path: Path) -> None:
    """Where stderr is no terminal nothing is written to it."""
    words = ["analyse", str(folder), "--athlete", "ada", "--workspace", str(tmp_path / "w"), "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *words], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_ctrl_c_on_a_terminal(folder: Path, tmp_path: Path) -> None:
    """Stopped while the bar is drawn: one sentence, 130, the cursor is back, and no worker is left."""
    process, terminal = on_a_terminal(folder, tmp_path / "w")
    drawn = read_terminal(terminal, until="reading")
    os.killpg(process.pid, signal.SIGINT)
    # Workers hold the terminal's other end as well: its end is the end of all of them.
    drawn += read_terminal(terminal)
    os.close(terminal)
    out, _ = process.communicate()
    assert (process.returncode, out) == (130, b"")
    assert drawn.count("surefoot: stopped: what was finished is kept") == 1
    assert "Traceback" not in drawn
