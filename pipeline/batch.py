"""Many files: found, read on all cores, stored, then each athlete's answer.

    paths -> find_files -> NewItems -> analyse_batch (in workers) -> Workspace.commit -> refresh_athlete

Workers write tracks; this process alone writes the catalogue. `pipeline.intake` finds what is to be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import polars as pl

from pipeline.athlete import Known, analyse_athlete, answer
from pipeline.channels import DYNAMICS
from pipeline.duplicates import find_duplicates
from pipeline.effect import METHOD
from pipeline.engine import Done, Engine, Lost, start_item
from pipeline.errors import NotARun, Rejected
from pipeline.ingest import (
    Activity,
    check_run,
    overrule_cadence_unit,
    read_activity,
    running_sessions,
)
from pipeline.ingest.workouts import propose_sessions
from pipeline.intake import Found as Found
from pipeline.intake import Item as Item
from pipeline.intake import NewItems, OldItems, forget_stale, set_aside
from pipeline.intake import Progress as Progress
from pipeline.intake import find_files as find_files
from pipeline.marks import draw_mark, from_table, to_row
from pipeline.results import RunResult
from pipeline.stability import MEASURED
from pipeline.tables import DataFrame, Track
from pipeline.workflow import ANALYSIS_VERSION, PENDING, analyse_run
from pipeline.workspace import (
    FileResult,
    PackRef,
    Seen,
    Workspace,
    keep_original,
    no_run,
    save_pack,
)

BATCH_FILES = 8
BATCH_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch's items, and the pack that holds the tracks of its runs."""

    results: tuple[FileResult, ...]
    pack: PackRef | None


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
        forget_stale(workspace, athlete_id, new.readable)
        progress.doing = "comparing the runs"
        aside: dict[str, FileResult] = {}
        if updated or results or _is_pending(workspace, athlete_id):
            aside = set_duplicates_aside(workspace, athlete_id)
            refresh_athlete(workspace, athlete_id, progress, watch)
            refresh_sharers(workspace, workspace.sharers(athlete_id))
    settled = [aside.get(result.content_sha256, result) for result in results]
    anew = old.runs & {result.content_sha256 for result in updated}
    return Imported(tuple(settled), new.known, new.copies, len(anew), len(old.runs - anew))


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """At most 8 files or 8 MB together, so that memory stays bounded whatever the files."""
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
        activity = read_activity(item.source_name, item.content, kind=item.listed.kind)
        activity = overrule_cadence_unit(activity, item.cadence_unit_given, units)
        check_run(activity)
        runs = _runs_of(item, running_sessions(activity), athlete_id)
    except NotARun as reason:
        aside = set_aside(item.source_name, item.content_sha256, len(item.content), "skipped", reason)
        proposals = propose_sessions(item.source_name, item.content_sha256, item.content)
        return replace(aside, proposals=proposals, kind_given=item.listed.kind, title_given=item.listed.title)
    except Rejected as reason:
        return set_aside(item.source_name, item.content_sha256, len(item.content), "rejected", reason)
    return FileResult(
        item.source_name,
        item.content_sha256,
        len(item.content),
        "run",
        ANALYSIS_VERSION,
        runs=runs,
        cadence_unit_given=item.cadence_unit_given,
        kind_given=item.listed.kind,
        title_given=item.listed.title,
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
                title=item.listed.title,
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


def _lost(lost: Lost[Item]) -> BatchResult:
    item = lost.item
    problem = Rejected(lost.reason, "please report it with the file's kind and maker")
    aside = set_aside(item.source_name, item.content_sha256, len(item.content), "rejected", problem)
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


def refresh_athlete(
    workspace: Workspace, athlete_id: str, progress: Progress, watch: Watch = lambda progress: None
) -> None:
    """Label, measure and answer again from all runs of the athlete."""
    runs = workspace.load_runs(athlete_id)
    progress.files, progress.done = 0, 0

    def load_track(run_id: str) -> DataFrame[Track]:
        progress.files, progress.done = len(runs), progress.done + 1
        watch(progress)
        return stored.track(run_id)

    with workspace.open_frames(athlete_id, MEASURED, DYNAMICS) as stored:
        result = analyse_athlete(
            runs,
            workspace.load_passes(athlete_id),
            workspace.load_cadence_moments(athlete_id),
            stored.grid,
            load_track,
            workspace.load_balance_sessions(athlete_id),
            workspace.load_plans(athlete_id),
            Known(
                workspace.load_segments(athlete_id),
                workspace.load_stability(athlete_id),
                workspace.load_origins(athlete_id),
                workspace.load_stretches(athlete_id),
            ),
            stored.channels,
            from_table(workspace.load_marks(athlete_id)),
            [(workspace.load_runs(o), workspace.load_passes(o)) for o in workspace.sharers(athlete_id)],
            workspace.load_settings_of(athlete_id).half_life_days,
        )
    workspace.save_athlete(
        athlete_id,
        runs=result.runs,
        segments=result.segments,
        stability=result.stability,
        answer=result,
        origins=result.origins,
        relabelled=result.relabelled,
        repeats=result.repeats,
        new_stretches=result.new_stretches,
    )


def refresh_sharers(workspace: Workspace, athletes: Iterable[str]) -> None:
    """Label the runs of these athletes again, after another's came or went from whom they learn places."""
    for athlete_id in athletes:
        refresh_athlete(workspace, athlete_id, Progress())


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


def refresh_answer(workspace: Workspace, athlete_id: str) -> None:
    """Dose and answer again, after the log or the half-life changed; labels and steadiness stay."""
    answered = answer(
        workspace.load_runs(athlete_id),
        workspace.load_stability(athlete_id),
        workspace.load_balance_sessions(athlete_id),
        workspace.load_plans(athlete_id),
        workspace.load_settings_of(athlete_id).half_life_days,
    )
    workspace.save_answer(athlete_id, answered)
