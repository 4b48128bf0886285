"""A Dask cluster: what bad files and lost machines cost, and bytes that the driver never sees."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Self, TextIO

import pytest
from click.testing import CliRunner

from pipeline import cli, cluster
from pipeline.batch import find_files, import_files
from pipeline.cluster import DaskEngine
from pipeline.engine import Done, Engine
from pipeline.errors import SurefootError
from pipeline.workspace import Workspace
from tests.imports import HereEngine
from tests.made_runs import fit_file
from tests.test_engine import MEMORY, REFUSE, SEGFAULT, outcome, threads, work

ROOT = Path(__file__).parents[1]
QUIET = {"DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "0", "PYTHONPATH": str(ROOT)}


def _drain(log: TextIO) -> None:
    with log:
        log.read()


class Cluster:
    """A scheduler and workers, each a process of its own on this machine, while the block lasts.

    Where the tests themselves are killed, the scheduler ends once nobody has asked it for a while, and the
    workers with it.
    """

    def __init__(self, workers: int) -> None:
        self._count = workers
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        try:
            options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--idle-timeout", "3 minutes"]
            self.scheduler = self._start("scheduler", *options)
            self.address = self._said(self.scheduler, "Scheduler at:")
            self.workers = [self._add_worker() for _ in range(self._count)]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _add_worker(self) -> subprocess.Popen[str]:
        options = [self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        worker = self._start("worker", *options)
        self._said(worker, "Registered to:")
        return worker

    def _start(self, role: str, *options: str) -> subprocess.Popen[str]:
        call = [sys.executable, "-m", "distributed.cli.dask_" + role, *options]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        process = subprocess.Popen(call, text=True, env=os.environ | QUIET, **pipes)  # type: ignore[call-overload]
        self._started.append(process)
        return process  # type: ignore[no-any-return]

    @staticmethod
    def _said(process: subprocess.Popen[str], what: str) -> str:
        """The word that comes after `what` in the process's log; the rest of it is thrown away."""
        assert process.stderr is not None
        for line in process.stderr:
            if what in line:
                threading.Thread(target=_drain, args=(process.stderr,), daemon=True).start()
                return line.split(what)[1].split()[0]
        raise AssertionError(f"a process ended before it said {what!r}")

    def _end(self) -> None:
        for process in reversed(self._started):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Cluster]:
    """A cluster for the whole module."""
    with Cluster(2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def engine(two_workers: Cluster) -> Iterator[Engine]:
    """The engine of that cluster; one second an item."""
    engine = DaskEngine(two_workers.address, item_limit_s=1)
    yield engine
    engine.close()


def test_every_item_once(engine: Engine) -> None:
    """Without bad items each result comes once, an empty batch among them."""
    assert outcome(engine, [[1, 2], [3], [], [4, 5, 6]]) == ([10, 20, 30, 40, 50, 60], {})


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (SEGFAULT, "the process that worked on it died (SIGSEGV)"),
        (MEMORY, "it needs more memory than a worker may have"),
    ],
)
def test_bad_item_costs_itself_alone(engine: Engine, bad: int, words: str) -> None:
    """A poisonous item is lost alone, with the words of the local engine; its neighbours are done."""
    results, lost = outcome(engine, [[1, bad], [5, 6], [7]])
    assert (results, lost) == ([10, 50, 60, 70], {bad: words})


def test_refusal_ends_the_run(engine: Engine) -> None:
    """An error for people from the function reaches the caller as it is, and the engine works on."""
    with pytest.raises(SurefootError, match="the disk is full: make room"):
        list(engine.run(work, [[1], [REFUSE], [2]]))
    assert outcome(engine, [[1]]) == ([10], {})


def test_one_thread_each(engine: Engine) -> None:
    """A cluster's processes do their sums on one thread, as those of the local engine."""
    assert list(engine.run(threads, [[1]])) == [Done(["1", "1", "1"])]


def touch_and_wait(batch: list[Path]) -> list[str]:
    """Leave a mark with this process's number, then take a while."""
    for path in batch:
        path.with_suffix(f".{os.getppid()}").touch()
        time.sleep(0.05)
    return [path.name for path in batch]


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    """With one of two workers killed at its work, every result arrives, once."""
    batches = [[tmp_path / f"{n}-{m}" for m in range(4)] for n in range(16)]
    names: list[str] = []
    with Cluster(2) as cluster, closing(DaskEngine(cluster.address)) as engine:
        for event in engine.run(touch_and_wait, batches):
            assert isinstance(event, Done)
            if not names:
                begun = {int(mark.suffix[1:]) for mark in tmp_path.iterdir()}
                next(worker for worker in cluster.workers if worker.pid in begun).kill()
            names += event.result
    assert sorted(names) == sorted(path.name for batch in batches for path in batch)


def test_a_lost_scheduler_is_said_and_the_next_call_goes_on(tmp_path: Path) -> None:
    """The import ends in one line; what was finished is kept, and a new cluster reads the rest alone."""
    (tmp_path / "runs").mkdir()
    for number in range(3):
        (tmp_path / "runs" / f"{number}.fit").write_bytes(fit_file(number))
    with Workspace(tmp_path / "w") as workspace, pytest.MonkeyPatch.context() as patched:
        patched.setattr("pipeline.batch.BATCH_FILES", 1)
        found = find_files([tmp_path / "runs"], workspace.path)
        with (
            Cluster(1) as cluster,
            closing(DaskEngine(cluster.address)) as engine,
            pytest.raises(SurefootError, match=r"the Dask scheduler at .* is lost: what was finished"),
        ):
            import_files(workspace, found, "ada", engine, watch=lambda _: cluster.scheduler.kill())
        stored = workspace.counts("ada")["runs"]
        assert 1 <= stored < 3
        done = import_files(workspace, found, "ada", HereEngine())
        assert (done.known, len(done.results)) == (stored, 3 - stored)


def test_no_scheduler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An address that nothing answers at is said in one line, with what would start one."""
    monkeypatch.setattr(cluster, "CONNECT_S", 0.2)
    call = [
        "analyse",
        str(tmp_path),
        "--athlete",
        "ada",
        "--engine",
        "dask",
        "--scheduler",
        "tcp://127.0.0.1:9",
    ]
    result = CliRunner().invoke(cli.main, [*call, "--workspace", str(tmp_path / "w")])
    assert result.exit_code == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9: start one" in result.output


def test_no_workers() -> None:
    """A scheduler that has no workers is said at once, not waited for."""
    with Cluster(0) as alone, pytest.raises(SurefootError, match="has no workers: start some with"):
        DaskEngine(alone.address)


def test_dask_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the command says which, and nothing else needs it."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SurefootError, match=r"a cluster needs Dask, which is not installed: `pip install"):
        DaskEngine("tcp://127.0.0.1:9")
