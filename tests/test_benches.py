"""The benches of `make bench` in their smallest form: what they call is still there. No time is judged.

The dashboard's is in tests/dashboard/test_bench.py.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import conftest, test_cluster
from tests.imports import HereEngine
from tests.test_cluster import Cluster


@pytest.fixture
def benches(week: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """These benches, over one week in place of the corpus and of longer seasons."""
    for name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # one sets them as it is imported: they are put back
    monkeypatch.setattr(conftest, "CORPUS", tmp_path)
    # The package has a function of the module's name, which hides the module.
    written = importlib.import_module("sample_data.write_season")
    monkeypatch.setattr(written, "write_season", lambda *_: week)
    from tests import bench, bench_batch

    monkeypatch.setattr(bench, "write_season", lambda *_: week)
    monkeypatch.setattr(bench, "CORPUS", tmp_path)
    yield SimpleNamespace(single=bench, batch=bench_batch)
    logging.disable(logging.NOTSET)


def test_the_bench_of_files(
    benches: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each row is there, and each stage of a run has taken some of its time."""

    def once(work: Callable[[], Any], rounds: int = 1) -> float:
        work()
        return 1.0

    monkeypatch.setattr(benches.single, "cpu_ms", once)
    monkeypatch.setattr(benches.single, "KNOWN_FILES", 5)
    benches.single.main()
    told = capsys.readouterr().out
    for row in ("FIT to stored results", "TCX to columns", "again over 5 known files", "stretches passed"):
        assert row in told


def test_the_bench_of_many_athletes(
    benches: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All its rows, the engine of one machine in this very process, and a real cluster, of one worker."""
    monkeypatch.setattr(benches.batch, "ROUNDS", 1)
    monkeypatch.setattr(test_cluster, "Cluster", lambda _workers: Cluster(1))
    monkeypatch.setattr(benches.batch, "at_once", lambda *calls: [call() for call in calls])
    monkeypatch.setattr(benches.batch, "LocalEngine", lambda _cores: HereEngine())
    monkeypatch.setattr(benches.batch.os, "sched_getaffinity", lambda _process: {0, 1})
    monkeypatch.setattr(benches.batch.os, "sched_setaffinity", lambda _process, _cores: None)
    benches.batch.main()
    told = capsys.readouterr().out
    assert "2 files of 8 athletes on one core" in told
    assert "on Dask, two workers" in told
