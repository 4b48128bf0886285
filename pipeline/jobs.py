"""Long work is done by a process of its own, uploads and answers: `python -m pipeline.jobs WORKSPACE`.

It takes one job after the other until none waits, and holds `worker.lock` while it lives. A job that is said
to run while nobody holds the lock has lost its process: the next one takes it up again, and what was read by
then is known. On SIGTERM it puts its job back, which counts as no attempt, and leaves.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline import batch, journal
from pipeline.archive import adopt_archive
from pipeline.engine import Engine, LocalEngine
from pipeline.errors import SurefootError
from pipeline.ingest.archive import LISTS
from pipeline.workspace import Workspace, is_sealed
from pipeline.workspace.folder import WORKER_LOCK, acquire_lock

MAX_ATTEMPTS = 3
FILES_TOLD = 2000
_TELL_EVERY_S = 0.5
_LOCK_WAIT_S = 1.0
_GIVE_WAY_S = 0.2

_started: list[subprocess.Popen[bytes]] = []


def is_at_work(path: Path) -> bool:
    """Whether a process reads this workspace's jobs."""
    descriptor = acquire_lock(path, 0, WORKER_LOCK)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def start_worker(path: Path) -> subprocess.Popen[bytes]:
    """Start a process that reads the jobs, and outlives this one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.jobs", str(path.resolve())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=None if journal.is_kept() else subprocess.DEVNULL,
        start_new_session=True,
    )
    _started[:] = [*(other for other in _started if other.poll() is None), process]
    return process


def stop_workers() -> None:
    """End the processes that were started here, and wait until they have put their job back."""
    for process in _started:
        process.terminate()
    for process in _started:
        process.wait()


def work(path: Path) -> None:
    """Do every job that waits or has lost its process; nothing where another process is at it."""
    descriptor = acquire_lock(path, _LOCK_WAIT_S, WORKER_LOCK)
    if descriptor is None:
        return
    try:
        # One for all jobs: to start its workers costs as much as to read some twenty files.
        with Workspace(path) as workspace, closing(LocalEngine(os.cpu_count() or 1)) as engine:
            while job := _next(workspace):
                with journal.timed("job") as facts:
                    facts["attempt"] = job["attempts"] + 1
                    _do(workspace, job, engine)
                    facts["state"] = (workspace.find_job(job["job_id"]) or {"state": "gone"})["state"]
                # Whoever waits to save an entry of a log looks for the lock every now and then.
                time.sleep(_GIVE_WAY_S)
    finally:
        os.close(descriptor)


def _next(workspace: Workspace) -> dict[str, Any] | None:
    """The oldest job that is to be done, marked as running."""
    jobs = workspace.load_jobs()
    for job in jobs.filter(jobs["state"].is_in(["waiting", "running"])).iter_rows(named=True):
        if job["attempts"] >= MAX_ATTEMPTS:
            reason = f"its process ended {MAX_ATTEMPTS} times before it was done, for want of memory perhaps"
            workspace.move_job(job["job_id"], ("waiting", "running"), state="failed", reason=reason)
            continue
        again = job["attempts"] + 1
        if workspace.move_job(job["job_id"], ("waiting", "running"), state="running", attempts=again):
            return job
    return None


def _do(workspace: Workspace, job: dict[str, Any], engine: Engine) -> None:
    """Do a job, and say what became of it or why that failed."""
    job_id, athlete_id = job["job_id"], job["athlete_id"]
    try:
        with workspace.writer_lock(wait_s=threading.TIMEOUT_MAX):
            result = _WORK[job["kind"]](workspace, job, engine)
    except SystemExit:
        workspace.move_job(job_id, ("running",), state="waiting", attempts=job["attempts"])
        raise
    except SurefootError as error:
        workspace.move_job(job_id, ("running",), state="failed", reason=str(error))
    except Exception as error:
        reason = f"Surefoot made a mistake ({type(error).__name__}): please report it"
        workspace.move_job(job_id, ("running",), state="failed", reason=reason)
    else:
        workspace.move_job(job_id, ("running",), state="done", result=json.dumps(result), reason="")
        workspace.drop_uploaded(athlete_id, job_id)


def _import(workspace: Workspace, job: dict[str, Any], engine: Engine) -> dict[str, Any]:
    found = _files(workspace, job)
    file = workspace.upload_folder(job["athlete_id"], job["job_id"]) / "0"
    if len(found) == 1 and is_sealed(file):
        return _adopt(workspace, job["athlete_id"], file, found[0].source_name)
    watch = _Teller(workspace, job["job_id"])
    return tell_result(batch.import_files(workspace, found, job["athlete_id"], engine, watch=watch))


def _adopt(workspace: Workspace, athlete_id: str, file: Path, source_name: str) -> dict[str, Any]:
    """All data of the athlete, as `surefoot archive` or the dashboard wrote them."""
    facts = adopt_archive(workspace, file, whose=athlete_id)
    nothing = dict.fromkeys(("rejected", "duplicate", "skipped", "known", "copies"), 0)
    reason = f"all data of {athlete_id}: {facts['runs']} runs, {facts['sessions']} balance exercises"
    return {
        "counts": {**nothing, "run": facts["runs"]},
        "files": [[source_name, "run", reason, ""]],
        "more": 0,
    }


def _answer(workspace: Workspace, job: dict[str, Any], _engine: Engine) -> dict[str, Any]:
    if job["athlete_id"] in workspace.athletes():
        batch.refresh_answer(workspace, job["athlete_id"])
    return {}


def _label(workspace: Workspace, job: dict[str, Any], _engine: Engine) -> dict[str, Any]:
    if job["athlete_id"] in workspace.athletes():
        watch = _Teller(workspace, job["job_id"])
        batch.refresh_athlete(workspace, job["athlete_id"], batch.Progress(doing="labelling"), watch)
    return {}


_WORK = {"upload": _import, "answer": _answer, "labels": _label}


def _files(workspace: Workspace, job: dict[str, Any]) -> list[batch.Found]:
    """The job's files, by the names they were given with; lists that tell of the others come first."""
    folder = workspace.upload_folder(job["athlete_id"], job["job_id"])
    found = [batch.Found(folder / str(n), name) for n, (name, _) in enumerate(json.loads(job["files"]))]
    return sorted(found, key=lambda file: file.source_name.rpartition("/")[2] not in LISTS)


class _Teller:
    """Writes how far the import is into the list, twice a second at most."""

    def __init__(self, workspace: Workspace, job_id: str) -> None:
        self._workspace, self._job_id, self._told = workspace, job_id, 0.0

    def __call__(self, progress: batch.Progress) -> None:
        if time.monotonic() - self._told >= _TELL_EVERY_S:
            self._told = time.monotonic()
            said = {
                name: getattr(progress, name) for name in ("files", "done", "known", "set_aside", "doing")
            }
            self._workspace.move_job(self._job_id, ("running",), progress=json.dumps(said))


def tell_result(done: batch.Imported) -> dict[str, Any]:
    """What became of each content, those first that need a look: name, status, reason, advice."""
    order = {"rejected": 0, "duplicate": 1, "skipped": 2, "run": 3}
    results = sorted(done.results, key=lambda result: order[result.status])
    counts = {status: sum(result.status == status for result in results) for status in order}
    told = [[r.source_name, r.status, r.reason, r.advice] for r in results[:FILES_TOLD]]
    return {
        "counts": {**counts, "known": done.known, "copies": done.copies},
        "files": told,
        "more": len(results) - len(told),
    }


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    work(Path(sys.argv[1]))
