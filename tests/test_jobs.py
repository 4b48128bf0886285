"""Uploads read by a process of their own."""

import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline import batch, jobs
from pipeline.engine import LocalEngine
from pipeline.errors import SurefootError
from pipeline.workspace import Workspace

GPX = b"<gpx/>"
FIRST = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with an upload of two files that are no recordings, ready to be read."""
    add(tmp_path / "w", "job", {"a.gpx": GPX, "b.txt": b"notes"})
    return tmp_path / "w"


def add(folder: Path, job_id: str, files: dict[str, bytes], **values: Any) -> None:
    """An upload whose bytes are all there."""
    with Workspace(folder) as workspace:
        workspace.add_job("ada", job_id, [(name, len(content)) for name, content in files.items()], FIRST)
        for number, content in enumerate(files.values()):
            (workspace.upload_folder("ada", job_id) / str(number)).write_bytes(content)
        workspace.move_job(job_id, ("uploading",), **{"state": "waiting", **values})


def find(folder: Path, job_id: str = "job") -> dict[str, Any]:
    """The upload's row."""
    with Workspace(folder, read_only=True) as workspace:
        return workspace.find_job(job_id) or {}


def test_a_process_of_its_own_tells_what_became_of_each_file(folder: Path) -> None:
    """It leaves with 0; names, states and reasons are in the result, and the upload's bytes are gone."""
    assert jobs.start_worker(folder).wait(timeout=300) == 0
    job = find(folder)
    assert (job["state"], job["attempts"]) == ("done", 1)
    result = json.loads(job["result"])
    assert sum(result["counts"].values()) == 2
    assert {name for name, *_ in result["files"]} == {"a.gpx", "b.txt"}
    assert all(reason for _, _, reason, _ in result["files"])
    assert not list(folder.rglob("uploads/*/*"))
    assert not jobs.is_at_work(folder)
    with Workspace(folder, read_only=True) as workspace:
        assert workspace.counts("ada")["files"] == 2


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names of the files of each import, which finds nothing."""
    imported: list[list[str]] = []

    def note(workspace: Workspace, found: list[batch.Found], *_: object, **__: object) -> batch.Imported:
        imported.append([file.source_name for file in found])
        return batch.Imported((), 0, 0)

    monkeypatch.setattr(batch, "import_files", note)
    return imported


def test_what_lists_the_others_comes_first(folder: Path, imported: list[list[str]]) -> None:
    """An account's list of activities is read before the files that it tells of."""
    add(folder, "account", {"export/a.fit": b"x", "export/activities.csv": b"y", "b.fit": b"z"})
    jobs.work(folder)
    assert ["export/activities.csv", "export/a.fit", "b.fit"] in imported


def test_a_job_whose_process_died_is_taken_up_again(folder: Path, imported: list[list[str]]) -> None:
    """A job that is said to run while nobody does it is done by the next process."""
    add(folder, "lost", {"c.gpx": b"<gpx></gpx>"}, state="running", attempts=1)
    jobs.work(folder)
    assert (find(folder, "lost")["state"], find(folder, "lost")["attempts"]) == ("done", 2)


def test_a_job_that_kills_its_process_is_not_tried_for_ever(folder: Path, imported: list[list[str]]) -> None:
    """After three ends it has failed, with a reason, and the others go on."""
    add(folder, "deadly", {"c.gpx": GPX}, state="running", attempts=jobs.MAX_ATTEMPTS)
    jobs.work(folder)
    assert find(folder, "deadly")["state"] == "failed"
    assert "ended 3 times" in find(folder, "deadly")["reason"]
    assert imported == [["a.gpx", "b.txt"]]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SurefootError("the disk is full", "make room"), "the disk is full: make room"),
        (KeyError("x"), "KeyError"),
    ],
)
def test_a_failure_is_kept_with_its_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    """What goes wrong is said on the job, whose files stay so that it can be tried again."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(batch, "import_files", fail)
    jobs.work(folder)
    assert find(folder)["state"] == "failed"
    assert reason in find(folder)["reason"]
    assert len(list(folder.rglob("uploads/*/*/*"))) == 2


def test_one_process_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the lock is held another process leaves the jobs alone, and it is seen to be at work."""
    monkeypatch.setattr(jobs, "_LOCK_WAIT_S", 0.0)
    held = jobs.acquire_lock(folder, 0, jobs.WORKER_LOCK)
    assert held is not None
    assert jobs.is_at_work(folder)
    jobs.work(folder)
    assert find(folder)["state"] == "waiting"
    os.close(held)
    assert not jobs.is_at_work(folder)


def test_a_queue_of_uploads_lets_others_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits to save something gets the lock between two uploads, not after the last."""
    for number in range(4):
        add(folder, f"more {number}", {"c.gpx": GPX})
    waits, saved_after = threading.Event(), []
    done: list[str] = []

    def save() -> None:
        with Workspace(folder) as workspace:
            waits.set()
            with workspace.writer_lock():
                saved_after.append(len(done))

    saving = threading.Thread(target=save)

    def import_files(*_: object, **__: object) -> batch.Imported:
        if not done:
            saving.start()
            waits.wait()
        time.sleep(0.1)
        done.append("")
        return batch.Imported((), 0, 0)

    monkeypatch.setattr(batch, "import_files", import_files)
    jobs.work(folder)
    saving.join()
    assert len(done) == 5
    assert saved_after[0] < 5


def test_one_engine_reads_all_uploads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers that read the first upload read the next one, and end with the last."""
    add(folder, "more", {"c.gpx": GPX})
    engines: list[LocalEngine] = []

    def import_files(*given: Any, **_: object) -> batch.Imported:
        engines.append(given[3])
        return batch.Imported((), 0, 0)

    monkeypatch.setattr(batch, "import_files", import_files)
    closed: list[LocalEngine] = []
    monkeypatch.setattr(LocalEngine, "close", lambda engine: closed.append(engine))
    jobs.work(folder)
    assert engines[0] is engines[1] is closed[0]


def test_forgetting_takes_uploads_along(folder: Path) -> None:
    """A forgotten athlete has neither jobs nor bytes on the way."""
    with Workspace(folder) as workspace:
        workspace.forget("ada")
        assert workspace.load_jobs().is_empty()
    assert not list(folder.rglob("uploads/*"))


def test_a_process_that_is_asked_to_leave_puts_its_job_back(folder: Path) -> None:
    """SIGTERM in the middle of an import: the process leaves with 0, the job waits, no attempt is counted."""
    program = (
        "import os, runpy, signal; from pipeline import batch\n"
        "batch.import_files = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)\n"
        "runpy.run_module('pipeline.jobs', run_name='__main__')"
    )
    assert subprocess.run([sys.executable, "-c", program, str(folder)], check=False).returncode == 0
    assert (find(folder)["state"], find(folder)["attempts"]) == ("waiting", 0)
    assert not jobs.is_at_work(folder)


def test_the_processes_that_were_started_here_can_be_ended(folder: Path) -> None:
    """Whatever it is doing, a started process has left when `stop_workers` is back, and no job is lost."""
    process = jobs.start_worker(folder)
    jobs.stop_workers()
    assert process.poll() is not None
    assert find(folder)["state"] in ("waiting", "running", "done")
    assert not jobs.is_at_work(folder)
