"""What the tests of imports share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import worker
from pipeline.ingest import Activity, read_activity
from pipeline.workspace import Workspace
from tests.made_runs import fit_file


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace."""
    with Workspace(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two runs."""
    runs = tmp_path / "runs"
    runs.mkdir()
    for number in range(2):
        (runs / f"{number}.fit").write_bytes(fit_file(number))
    return runs


@pytest.fixture
def names_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded from here on."""
    names: list[str] = []

    def counting(name: str, content: bytes, *, kind: str = "") -> Activity:
        names.append(name)
        return read_activity(name, content, kind=kind)

    monkeypatch.setattr(worker, "read_activity", counting)
    return names
