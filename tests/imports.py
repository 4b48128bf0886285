"""Importing in this very process, with what must hold after every import."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pipeline.batch import Imported, Progress, find_files, import_files
from pipeline.engine import Done, Lost
from pipeline.workflow import PENDING
from pipeline.workspace import Workspace

Unit = TypeVar("Unit")
Result = TypeVar("Result")


class HereEngine:
    """An engine that works in this very process, one batch after the other."""

    shares_disk = True

    def run(
        self, fn: Callable[[list[Unit]], Result], batches: Iterable[list[Unit]]
    ) -> Iterator[Done[Result] | Lost[Unit]]:
        """See pipeline.engine.Engine.run."""
        for items in batches:
            yield Done(fn(items))

    def close(self) -> None:
        """There is nothing to end."""


class LosingEngine(HereEngine):
    """An engine whose worker dies of every item."""

    def run(
        self, fn: Callable[[list[Unit]], Result], batches: Iterable[list[Unit]]
    ) -> Iterator[Done[Result] | Lost[Unit]]:
        """Every item is lost."""
        for items in batches:
            yield from (Lost(item, "the process that worked on it died (SIGSEGV)") for item in items)


def take_in(workspace: Workspace, *paths: Path, progress: list[Progress] | None = None) -> Imported:
    """Import paths for ada, and check that nothing is counted twice or lost."""
    found = find_files(paths, workspace.path)

    def watch(now: Progress) -> None:
        if progress is not None:
            progress.append(now)

    done = import_files(workspace, found, "ada", HereEngine(), watch=watch)
    counts = workspace.counts("ada")
    assert counts["files"] == sum(counts[kind] for kind in ("runs", "duplicates", "skipped", "rejected"))
    assert len(workspace.load_runs("ada")) == counts["runs"] == len(workspace.load_cadence_moments("ada"))
    assert PENDING not in workspace.load_runs("ada")["counts_reason"]
    assert all(result.reason for result in done.results if result.status != "run")
    return done


def total(done: Imported) -> int:
    """How many files an import speaks of."""
    return len(done.results) + done.known + done.copies


def zipped(**contents: bytes) -> bytes:
    """A zip; two underscores in a name stand for its dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()
