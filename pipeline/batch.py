"""Many files: found, read on all cores, stored, then each athlete's answer.

    paths -> find_files -> new_items -> analyse_batch (in workers) -> Workspace.commit -> refresh_athlete

Workers write tracks; this process alone writes the catalogue. What was seen before, by size and time
stamp or by content, is not read again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedReader
from pathlib import Path

import polars as pl

from pipeline.duplicates import find_duplicates
from pipeline.engine import Done, Engine, Lost, start_item
from pipeline.errors import NotARun, Rejected, SurefootError
from pipeline.ingest import (
    Activity,
    check_run,
    overrule_cadence_unit,
    parse_activity_list,
    read_activity,
    running_sessions,
)
from pipeline.ingest.archive import LISTS, Member, is_archive, members
from pipeline.results import RunResult
from pipeline.tables import DataFrame, Track
from pipeline.workflow import ANALYSIS_VERSION, PENDING, analyse_athlete, analyse_run, answer
from pipeline.workspace import FileResult, PackRef, Seen, Workspace, keep_original, save_pack

BATCH_FILES = 16
BATCH_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Found:
    """A file on disk and the name to say it by: its path below what was asked for."""

    path: Path
    source_name: str


@dataclass(frozen=True, slots=True)
class Item:
    """One content to analyse."""

    source_name: str
    content_sha256: str
    content: bytes = field(repr=False)
    cadence_unit_given: str = ""
    kind: str = ""  # what an account's list says it is, "Run"


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch's items, and the pack that holds the tracks of its runs."""

    results: tuple[FileResult, ...]
    pack: PackRef | None


@dataclass(slots=True)
class Progress:
    """How far an import is. `set_aside` counts files that are no run of their own."""

    files: int = 0
    done: int = 0
    known: int = 0
    set_aside: int = 0
    doing: str = "reading"


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


Watch = Callable[[Progress], None]


def find_files(paths: Iterable[Path], workspace: Path) -> list[Found]:
    """Every file at or below `paths` once, sorted, without hidden ones and the workspace's own.

    Raises SurefootError where a path does not exist.
    """
    found: list[Found] = []
    for path in paths:
        if path.is_dir():
            below = (
                p
                for p in path.rglob("*")
                if not any(part.startswith(".") for part in p.relative_to(path).parts)
            )
            found += [
                Found(p, p.relative_to(path).as_posix())
                for p in sorted(below)
                if p.is_file() or not p.exists()
            ]
        elif path.exists():
            found.append(Found(path, path.name))
        else:
            raise SurefootError(f"there is no file or folder {path}", "check the spelling")
    own = workspace.resolve()
    places = {file.path.resolve(): file for file in reversed(found)}
    return [file for place, file in reversed(places.items()) if own not in place.parents]


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
    progress = Progress(files=len(found))
    rules = workspace.load_cadence_rules(athlete_id).select("device", "source_format", "cadence_unit")
    units = {(device, source_format): unit for device, source_format, unit in rules.iter_rows()}
    work = partial(analyse_batch, workspace.path, athlete_id, keep, units)
    results: list[FileResult] = []

    def take_in(items: Iterable[Item], take_seen: Callable[[], list[Seen]]) -> Iterator[FileResult]:
        for outcome in engine.run(work, _batches(items)):
            batch = outcome.result if isinstance(outcome, Done) else _lost(outcome)
            workspace.commit(athlete_id, batch.pack, batch.results, take_seen())
            progress.done += len(batch.results)
            progress.set_aside += sum(result.status != "run" for result in batch.results)
            watch(progress)
            yield from batch.results

    with workspace.writer_lock():
        old = OldItems(workspace, athlete_id, progress)
        updated = list(take_in(old, list))
        new = NewItems(workspace, athlete_id, found, progress, cadence_unit)
        results += take_in(new, new.take_seen)
        workspace.commit(athlete_id, None, new.problems, new.take_seen())
        results += new.problems
        aside = set_duplicates_aside(workspace, athlete_id)
        progress.doing = "comparing the runs"
        if updated or results or aside or _is_pending(workspace, athlete_id):
            refresh_athlete(workspace, athlete_id, progress, watch)
    settled = [aside.get(result.content_sha256, result) for result in results]
    left_old = len(old.runs - {result.content_sha256 for result in updated})
    return Imported(tuple(settled), new.known, new.copies, len(updated), left_old)


class NewItems:
    """Iterates over the contents that were not analysed before, and remembers what it saw.

    A run whose cadence was not yet said to count `cadence_unit` is new again.
    """

    def __init__(
        self,
        workspace: Workspace,
        athlete_id: str,
        found: Sequence[Found],
        progress: Progress,
        cadence_unit: str = "",
    ) -> None:
        self.known = 0
        self.copies = 0
        self.problems: list[FileResult] = []
        self._found = found
        self._progress = progress
        self._seen_before = workspace.load_seen(athlete_id)
        self._cadence_unit = cadence_unit
        self._given = workspace.load_given_units(athlete_id)
        self._current = {
            sha
            for sha, (status, version) in workspace.known_files(athlete_id).items()
            if version == ANALYSIS_VERSION
            and (not cadence_unit or status != "run" or self._given.get(sha) == cadence_unit)
        }
        self._taken: set[str] = set()
        self._kinds: dict[str, str] = {}
        self._seen: list[Seen] = []

    def take_seen(self) -> list[Seen]:
        """What was seen since the last call."""
        seen, self._seen = self._seen, []
        return seen

    def __iter__(self) -> Iterator[Item]:
        for file in sorted(self._found, key=lambda file: file.path.name not in LISTS):
            try:
                stat = file.path.stat()
                if self._is_unchanged(file, stat) and file.path.name not in LISTS:
                    self._count_known()
                    continue
                with file.path.open("rb") as source:
                    yield from self._contents(file, source, stat)
            except OSError as error:
                sha = hashlib.sha256(str(file.path.resolve()).encode()).hexdigest()
                self._refuse(file.source_name, sha, 0, Rejected(f"it cannot be read ({error.strerror})"))

    def _is_unchanged(self, file: Found, stat: os.stat_result) -> bool:
        before = self._seen_before.get(str(file.path.resolve()))
        return (
            before is not None
            and (before.size_bytes, before.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
            and before.content_sha256 in self._current
        )

    def _contents(self, file: Found, source: BufferedReader, stat: os.stat_result) -> Iterator[Item]:
        """The file's contents, one unless it is an archive, less those that are known."""
        place = str(file.path.resolve())
        whole = hashlib.file_digest(source, "sha256").hexdigest()
        source.seek(0)
        is_whole = not is_archive(source.read(4096))
        itself = (file.source_name, file.source_name.removesuffix(".gz"))
        empty = Member(file.source_name, problem=Rejected("it is an archive without files"))
        for n, member in enumerate(_or_else(members(file.source_name, source), empty)):
            self._progress.files += n > 0
            # What cannot be unpacked has no content of its own to be known by.
            unique = f"{whole} {n}".encode() if member.content is None else member.content
            sha = whole if is_whole else hashlib.sha256(unique).hexdigest()
            path = place if member.name in itself else f"{place}!{member.name}"
            self._learn_kinds(member)
            self._seen.append(Seen(path, stat.st_size, stat.st_mtime_ns, sha))
            if sha in self._current:
                self._count_known()
            elif sha in self._taken:
                self.copies += 1
                self._progress.done += 1
            else:
                self._taken.add(sha)
                if member.content is None:
                    size = stat.st_size if path == place else 0
                    self._refuse(member.name, sha, size, member.problem or Rejected("it cannot be read"))
                else:
                    given = self._cadence_unit or self._given.get(sha, "")
                    yield Item(member.name, sha, member.content, given, self._kind_of(member.name))

    def _learn_kinds(self, member: Member) -> None:
        """Keep what an account's list says of the activities beside it; lists come before the other files."""
        folder, slash, name = member.name.rpartition("/")
        if name in LISTS and member.content is not None:
            kinds = parse_activity_list(member.content)
            self._kinds |= {f"{folder}{slash}{file}": kind for file, kind in kinds.items()}

    def _kind_of(self, name: str) -> str:
        return self._kinds.get(name.removesuffix(".gz"), "")

    def _count_known(self) -> None:
        self.known += 1
        self._progress.known += 1
        self._progress.done += 1

    def _refuse(self, source_name: str, sha: str, size_bytes: int, problem: Rejected) -> None:
        """Set aside a file whose content could not be had."""
        self.problems.append(_set_aside(source_name, sha, size_bytes, "rejected", problem))
        self._progress.done += 1
        self._progress.set_aside += 1


class OldItems:
    """Iterates over the contents that an older version analysed, from the kept originals or else their files.

    `runs` holds those that were runs then.
    """

    def __init__(self, workspace: Workspace, athlete_id: str, progress: Progress) -> None:
        files = workspace.load_files(athlete_id).filter(pl.col("analysis_version") < ANALYSIS_VERSION)
        self.runs = set(files.filter(status="run")["content_sha256"])
        self._names: dict[str, str] = dict(files.select("content_sha256", "source_name").iter_rows())
        self._workspace = workspace
        self._athlete_id = athlete_id
        self._progress = progress
        progress.files += len(self._names)

    def __iter__(self) -> Iterator[Item]:
        lost = set()
        given = self._workspace.load_given_units(self._athlete_id)
        for sha, source_name in self._names.items():
            try:
                yield Item(source_name, sha, self._workspace.load_original(sha), given.get(sha, ""))
            except SurefootError:
                lost.add(sha)
        for item in NewItems(self._workspace, self._athlete_id, self._places(lost), Progress()):
            if item.content_sha256 in lost:
                lost.remove(item.content_sha256)
                yield item
        self._progress.files -= len(lost)

    def _places(self, lost: set[str]) -> list[Found]:
        """The files with these contents that are still there; for a member of an archive, the archive."""
        seen = self._workspace.load_seen(self._athlete_id).values() if lost else ()
        named = {entry.path for entry in seen if entry.content_sha256 in lost}
        paths = {Path(part) for path in named for part in (path, path.split("!")[0])}
        return [Found(path, path.name) for path in sorted(paths) if path.is_file()]


def _or_else(found: Iterator[Member], otherwise: Member) -> Iterator[Member]:
    yield next(found, otherwise)
    yield from found


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """At most 16 files or 8 MB together, so that memory stays bounded whatever the files."""
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and (len(batch) == BATCH_FILES or size + len(item.content) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.content)
    if batch:
        yield batch


def analyse_batch(
    workspace: Path, athlete_id: str, keep: bool, units: Mapping[tuple[str, str], str], items: list[Item]
) -> BatchResult:
    """In a worker: analyse each item, keep its original, write the tracks of the runs as one pack.

    `units` are the cadence units set by hand, by device and format.
    """
    results = []
    for item in items:
        start_item()
        results.append(_analyse(item, athlete_id, units))
        if keep and results[-1].status == "run":
            keep_original(workspace, item.content_sha256, item.content)
    runs = [run for result in results for run in result.runs]
    pack = save_pack(workspace, athlete_id, runs) if runs else None
    return BatchResult(tuple(result.without_frames() for result in results), pack)


def _analyse(item: Item, athlete_id: str, units: Mapping[tuple[str, str], str]) -> FileResult:
    try:
        activity = read_activity(item.source_name, item.content, kind=item.kind)
        activity = overrule_cadence_unit(activity, item.cadence_unit_given, units)
        check_run(activity)
        runs = _runs_of(item, running_sessions(activity), athlete_id)
    except NotARun as reason:
        return _set_aside(item.source_name, item.content_sha256, len(item.content), "skipped", reason)
    except Rejected as reason:
        return _set_aside(item.source_name, item.content_sha256, len(item.content), "rejected", reason)
    return FileResult(
        item.source_name,
        item.content_sha256,
        len(item.content),
        "run",
        ANALYSIS_VERSION,
        runs=runs,
        cadence_unit_given=item.cadence_unit_given,
    )


def _runs_of(item: Item, sessions: list[Activity], athlete_id: str) -> tuple[RunResult, ...]:
    """Each running session as a run. Raises Rejected where none can be used; one alone is left out."""
    runs, problems = [], []
    for number, session in enumerate(sessions, start=1):
        try:
            run = analyse_run(
                session,
                run_id=item.content_sha256[:16] + (f"-{number}" if number > 1 else ""),
                athlete_id=athlete_id,
                source_name=item.source_name,
                content_sha256=item.content_sha256,
            )
        except Rejected as problem:
            problems.append(problem)
        else:
            runs.append(run)
    if not runs:
        raise problems[0]
    said = [f"another session of its file was left out: {problem.reason}" for problem in problems]
    warnings = "; ".join(filter(None, [str(runs[0].run["warnings"]), *said]))
    return (replace(runs[0], run={**runs[0].run, "warnings": warnings}), *runs[1:])


def _set_aside(source_name: str, sha: str, size_bytes: int, status: str, why: SurefootError) -> FileResult:
    return FileResult(source_name, sha, size_bytes, status, ANALYSIS_VERSION, why.reason, why.advice)


def _lost(lost: Lost[Item]) -> BatchResult:
    item = lost.item
    problem = Rejected(lost.reason, "please report it with the file's kind and maker")
    aside = _set_aside(item.source_name, item.content_sha256, len(item.content), "rejected", problem)
    return BatchResult((aside,), None)


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
        aside[sha] = _set_aside(run["source_name"], sha, size_bytes[sha], "duplicate", why)
    if aside:
        workspace.commit(athlete_id, None, list(aside.values()), [])
    return aside


def _is_pending(workspace: Workspace, athlete_id: str) -> bool:
    """Whether an earlier import ended before its runs were compared."""
    return PENDING in workspace.load_runs(athlete_id)["counts_reason"]


def refresh_athlete(
    workspace: Workspace, athlete_id: str, progress: Progress, watch: Watch = lambda progress: None
) -> None:
    """Label, measure and answer again from all runs of the athlete."""
    runs = workspace.load_runs(athlete_id)
    progress.files, progress.done = len(runs), 0

    def tracks() -> Iterator[tuple[str, DataFrame[Track]]]:
        for pair in workspace.load_tracks(runs["run_id"].to_list()):
            yield pair
            progress.done += 1
            watch(progress)

    result = analyse_athlete(
        runs,
        workspace.load_grid(athlete_id),
        tracks(),
        workspace.load_cadence_moments(athlete_id),
        workspace.load_balance_sessions(athlete_id),
        workspace.load_plans(athlete_id),
    )
    workspace.save_athlete(
        athlete_id,
        runs=result.runs,
        segments=result.segments,
        stability=result.stability,
        dose=result.dose,
        effects=result.effects,
    )


def refresh_answer(workspace: Workspace, athlete_id: str) -> None:
    """Dose and answer again, after the log changed; labels and steadiness stay."""
    dose, effects = answer(
        workspace.load_runs(athlete_id),
        workspace.load_stability(athlete_id),
        workspace.load_balance_sessions(athlete_id),
        workspace.load_plans(athlete_id),
    )
    workspace.save_answer(athlete_id, dose=dose, effects=effects)
