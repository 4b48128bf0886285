"""Many files: found, read on all cores, stored, then each athlete's answer.

    paths -> find_files -> NewItems -> analyse_batch (in workers) -> Workspace.commit -> refresh_athlete

Workers write tracks; this process alone writes the catalogue. `pipeline.intake` finds what is to be read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import cast

import polars as pl

from pipeline import journal
from pipeline.duplicates import find_duplicates
from pipeline.effect import METHOD
from pipeline.engine import Done, Engine, Lost
from pipeline.errors import Rejected
from pipeline.intake import Found as Found
from pipeline.intake import Item as Item
from pipeline.intake import NewItems, OldItems, Placed, forget_stale, read_placed, set_aside
from pipeline.intake import Progress as Progress
from pipeline.intake import find_files as find_files
from pipeline.intake import find_folders as find_folders
from pipeline.marks import draw_mark, to_row
from pipeline.refresh import Watch as Watch
from pipeline.refresh import refresh_answer as refresh_answer
from pipeline.refresh import refresh_athlete as refresh_athlete
from pipeline.refresh import refresh_athletes
from pipeline.refresh import refresh_sharers as refresh_sharers
from pipeline.results import RunResult
from pipeline.worker import BatchResult, analyse_batch, analyse_batch_apart
from pipeline.workflow import PENDING
from pipeline.workspace import FileResult, Workspace, no_run

BATCH_FILES = 8
BATCH_BYTES = 8 * 2**20
GROUP_ATHLETES = 32
HANDED_OVER = 64
"""Of so many files the frames stay in memory, some 0.6 MB a run, until the runs are compared."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `results` has one entry per new content, `known` counts files seen before.

    `updated` counts runs that an older version had analysed and this one analysed anew, `left_old` those
    that it could not, since neither their original nor their file is there any more.
    """

    results: tuple[FileResult, ...]
    known: int
    copies: int
    updated: int = 0
    left_old: int = 0


def import_files(
    workspace: Workspace,
    found: Sequence[Found],
    athlete_id: str,
    engine: Engine,
    *,
    keep: bool = True,
    cadence_unit: str = "",
    watch: Watch = lambda progress: None,
) -> Imported:
    """Bring what an older version analysed up to date, read what is new among the files, then answer.

    A file that cannot be used costs only itself: it is stored with its reason. `cadence_unit` overrules
    what the cadence of `found` counts, also of runs known already. Raises SurefootError where the
    workspace cannot be written.
    """
    with workspace.writer_lock():
        (reading,) = read_files(workspace, {athlete_id: found}, engine, keep, cadence_unit, watch)
        reading.progress.doing = "comparing the runs"
        if reading.is_to_be_compared():
            reading.set_duplicates_aside()
            refresh_athlete(workspace, athlete_id, reading.progress, watch, reading.at_hand)
            refresh_sharers(workspace, workspace.sharers(athlete_id))
    return reading.imported()


def import_folders(
    workspace: Workspace,
    folders: Mapping[str, Sequence[Found]],
    engine: Engine,
    *,
    keep: bool = True,
    cadence_unit: str = "",
    watch: Watch = lambda progress: None,
) -> Iterator[tuple[str, Imported]]:
    """`import_files` of many athletes, a group of them at a time, whose answers are worked out side by side.

    Raises SurefootError, once all other athletes of its group are stored, where that of one cannot be.
    """
    names_of_all = iter(folders)
    while names := list(islice(names_of_all, GROUP_ATHLETES)):
        group = {name: folders[name] for name in names}
        with workspace.writer_lock():
            readings = read_files(workspace, group, engine, keep, cadence_unit, watch)
            anew = [reading for reading in readings if reading.is_to_be_compared()]
            for reading in anew:
                reading.set_duplicates_aside()
            refresh_athletes(workspace, [reading.athlete_id for reading in anew], engine)
            sharers = {other for reading in anew for other in workspace.sharers(reading.athlete_id)}
            refresh_sharers(workspace, sorted(sharers - set(names)))
        yield from ((reading.athlete_id, reading.imported()) for reading in readings)


def read_files(
    workspace: Workspace,
    folders: Mapping[str, Sequence[Found]],
    engine: Engine,
    keep: bool,
    cadence_unit: str,
    watch: Watch,
) -> list[Reading]:
    """Read and store what is new of each athlete, all in one stream that no worker waits in."""
    begun = time.perf_counter()
    progress = Progress(files=sum(map(len, folders.values())))
    work = _work(workspace, keep, engine, hand_over=len(folders) == 1 and progress.files <= HANDED_OVER)
    readings = {name: Reading(workspace, name, progress) for name in folders}

    def take_in(batches: Iterable[list[Item | Placed]]) -> Iterator[tuple[Reading, BatchResult]]:
        for outcome in engine.run(work, batches):
            batch = outcome.result if isinstance(outcome, Done) else _lost(outcome)
            reading = readings[batch.athlete_id]
            results = reading.commit(batch)
            progress.done += len(results)
            progress.set_aside += sum(result.status != "run" for result in results)
            watch(progress)
            journal.tell("batch", done=progress.done, files=progress.files, set_aside=progress.set_aside)
            yield reading, replace(batch, results=tuple(results))

    for reading, batch in take_in(b for r in readings.values() for b in _batches(r.old)):
        reading.updated += batch.results
    unread: dict[str, list[Placed]] = {}
    fresh = (
        b
        for name, r in readings.items()
        for b in _batches(r.start(folders[name], cadence_unit, in_place=not engine.shares_disk))
    )
    for reading, batch in take_in(fresh):
        reading.results += batch.results
        unread.setdefault(reading.athlete_id, []).extend(batch.unread)
    left = (b for name, placed in unread.items() for b in _batches(readings[name].new.read_here(placed)))
    for reading, batch in take_in(left):
        reading.results += batch.results
    for reading in readings.values():
        reading.finish()
    done = {"files": progress.files, "known": progress.known, "set_aside": progress.set_aside}
    journal.tell("import", athletes=len(folders), **done, ms=journal.since_ms(begun))
    return list(readings.values())


class Reading:
    """How far the import of one athlete's files is."""

    def __init__(self, workspace: Workspace, athlete_id: str, progress: Progress) -> None:
        self.athlete_id = athlete_id
        self.progress = progress
        self.old = OldItems(workspace, athlete_id, progress)
        self.new = NewItems(workspace, athlete_id, (), progress)
        self.updated: list[FileResult] = []
        self.results: list[FileResult] = []
        self.at_hand: dict[str, RunResult] = {}
        self._aside: dict[str, FileResult] = {}
        self._workspace = workspace

    def start(self, found: Sequence[Found], cadence_unit: str, *, in_place: bool) -> NewItems:
        """What is to be read, now that what an older version analysed is up to date."""
        given = (self._workspace, self.athlete_id, found, self.progress, cadence_unit)
        self.new = NewItems(*given, in_place=in_place)
        return self.new

    def commit(self, batch: BatchResult) -> list[FileResult]:
        """Store a batch, whole, once; gives the results that are new."""
        for name, content in batch.files.items():
            self._workspace.put_file(name, content)
        results = list(batch.results)
        if batch.seen:
            results = self.new.settle(results, batch.seen)
        self._workspace.commit(self.athlete_id, batch.pack, results, self.new.take_seen())
        self._keep_at_hand(run for result in results for run in result.runs)
        return [result.without_frames() for result in results]

    def _keep_at_hand(self, runs: Iterable[RunResult]) -> None:
        """Keep the frames that were handed over, of a run analysed anew the new ones."""
        for run in runs:
            name = str(run.run["run_id"])
            self.at_hand.pop(name, None)
            if run.grid is not None and len(self.at_hand) < HANDED_OVER:
                self.at_hand[name] = run

    def finish(self) -> None:
        """Store what could not be had, and forget what has left its place."""
        self._workspace.commit(self.athlete_id, None, self.new.problems, self.new.take_seen())
        self.results += self.new.problems
        forget_stale(self._workspace, self.athlete_id, self.new.readable())

    def is_to_be_compared(self) -> bool:
        """Whether anything came that the runs, or the answer, do not know of."""
        return bool(self.updated or self.results) or _is_pending(self._workspace, self.athlete_id)

    def set_duplicates_aside(self) -> None:
        """See `set_duplicates_aside`."""
        self._aside = set_duplicates_aside(self._workspace, self.athlete_id)

    def imported(self) -> Imported:
        """What came of it."""
        settled = [self._aside.get(result.content_sha256, result) for result in self.results]
        anew = self.old.runs & {result.content_sha256 for result in self.updated}
        left_old = len(self.old.runs - anew)
        return Imported(tuple(settled), self.new.known, self.new.copies, len(anew), left_old)


def _work(
    workspace: Workspace, keep: bool, engine: Engine, *, hand_over: bool
) -> Callable[[list[Item | Placed]], BatchResult]:
    units: dict[str, dict[tuple[str, str], str]] = {}
    columns = ("athlete_id", "device", "source_format", "cadence_unit")
    for name, device, source_format, unit in workspace.load_cadence_rules().select(columns).iter_rows():
        units.setdefault(name, {})[device, source_format] = unit
    if engine.shares_disk or workspace.kept != workspace.path:
        return partial(analyse_batch, workspace.kept, keep, units, hand_over)
    return partial(analyse_batch_apart, keep, units, hand_over)


def _batches(items: Iterable[Item | Placed]) -> Iterator[list[Item | Placed]]:
    """At most 8 files or 8 MB together, so that memory stays bounded whatever the files; of one kind."""
    batch: list[Item | Placed] = []
    size = 0
    for item in items:
        own = item.size_bytes if isinstance(item, Placed) else len(item.content)
        is_full = len(batch) == BATCH_FILES or size + own > BATCH_BYTES
        if batch and (is_full or type(item) is not type(batch[0])):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += own
    if batch:
        yield batch


def _lost(lost: Lost[Item | Placed]) -> BatchResult:
    problem = Rejected(lost.reason, "please report it with the file's kind and maker")
    item = read_placed(lost.item) if isinstance(lost.item, Placed) else lost.item
    if item is None:
        return BatchResult(lost.item.athlete_id, (), unread=(cast(Placed, lost.item),))
    aside = set_aside(item.source_name, item.content_sha256, len(item.content), "rejected", problem)
    seen = (lost.item.seen_with(item.content_sha256),) if isinstance(lost.item, Placed) else ()
    return BatchResult(item.athlete_id, (aside,), seen=seen)


def set_duplicates_aside(workspace: Workspace, athlete_id: str) -> dict[str, FileResult]:
    """Set recordings of the same run aside but the best; by content, what became of them."""
    runs = workspace.load_runs(athlete_id)
    facts = {row["run_id"]: row for row in runs.iter_rows(named=True)}
    files = workspace.load_files(athlete_id).select("content_sha256", "size_bytes")
    size_bytes: dict[str, int] = dict(files.iter_rows())
    aside = {}
    for run_id, kept in find_duplicates(runs).items():
        run = facts[run_id]
        why = Rejected(f"the same run as {facts[kept]['source_name']}, which has the better recording")
        sha = run["content_sha256"]
        aside[sha] = set_aside(run["source_name"], sha, size_bytes[sha], "duplicate", why)
    if aside:
        workspace.commit(athlete_id, None, list(aside.values()), [])
    return aside


def _is_pending(workspace: Workspace, athlete_id: str) -> bool:
    """Whether an earlier import ended before its runs were compared, or the answer is by another method."""
    effects, settings = workspace.load_effects(athlete_id), workspace.load_settings_of(athlete_id)
    is_other = (pl.col("method") != METHOD) | (pl.col("half_life_days") != settings.half_life_days)
    # A workspace from before dose by category and residuals were kept has none yet.
    is_older = (
        workspace.load_dose_by_category(athlete_id).is_empty()
        and workspace.load_dose(athlete_id)["minutes"].sum()
    )
    pending = PENDING in workspace.load_runs(athlete_id)["counts_reason"]
    return pending or bool(is_older) or len(effects.filter(is_other)) > 0


def mark_stretch(
    workspace: Workspace, athlete_id: str, run_id: str, start_m: float, end_m: float, terrain: str
) -> str:
    """Mark a stretch of a run, label all passes of its place again, answer; gives the mark's id.

    Raises SurefootError where there is no such run or stretch.
    """
    at = datetime.now(UTC)
    with workspace.writer_lock():
        if run_id not in set(workspace.load_runs(athlete_id)["run_id"]):
            raise no_run(run_id)
        with workspace.open_frames(athlete_id, (), ()) as stored:
            mark = draw_mark(stored.grid(run_id), run_id, start_m, end_m, terrain, at)
        workspace.save_mark(to_row(mark, athlete_id, at))
        refresh_athlete(workspace, athlete_id, Progress())
    return mark.mark_id


def unmark_stretch(workspace: Workspace, athlete_id: str, mark_id: str) -> None:
    """Take a mark back, label again, answer. Raises SurefootError where there is no such mark."""
    with workspace.writer_lock():
        workspace.remove_mark(athlete_id, mark_id)
        refresh_athlete(workspace, athlete_id, Progress())
