"""What a worker does with a batch: contents -> activities -> runs, and their tracks in a pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import polars as pl

from pipeline.channels import DYNAMICS
from pipeline.engine import start_item
from pipeline.errors import NotARun, Rejected
from pipeline.ingest import (
    Activity,
    check_run,
    overrule_cadence_unit,
    read_activity,
    running_sessions,
)
from pipeline.ingest.workouts import propose_sessions
from pipeline.intake import Item, Placed, read_placed, set_aside
from pipeline.results import RunResult
from pipeline.rounded import RoundedTrack
from pipeline.workflow import ANALYSIS_VERSION, analyse_run
from pipeline.workspace import FileResult, Kept, PackRef, Seen, keep_original, save_pack

Units = Mapping[str, Mapping[tuple[str, str], str]]
"""Athlete -> the cadence units set by hand, by device and format."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch's items, which are of one athlete, and the pack that holds its runs' tracks.

    Of a batch that was read where its files lie: what was `seen` there, and `unread`, which the driver must
    read. `files` are what the workspace is to keep, by its place there, where the worker could not put it.
    """

    athlete_id: str
    results: tuple[FileResult, ...]
    pack: PackRef | None = None
    seen: tuple[Seen, ...] = ()
    unread: tuple[Placed, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def analyse_batch(
    kept: Kept, keep: bool, units: Units, hand_over: bool, items: Sequence[Item | Placed]
) -> BatchResult:
    """Analyse each item, keep its original, write the tracks of the runs as one pack.

    With `hand_over` the results have what comparing the runs reads of their frames.
    """
    athlete_id = items[0].athlete_id
    results, seen, unread, written = [], [], [], []
    # A disk takes its time to say that it has a file: the next item is read meanwhile.
    with ThreadPoolExecutor(1) as disk:
        for given in items:
            start_item()
            item: Item | None
            if isinstance(given, Item):
                item = given
            elif (item := read_placed(given)) is None:
                unread.append(given)
                continue
            else:
                seen.append(given.seen_with(item.content_sha256))
            results.append(_analyse(item, units.get(athlete_id, {})))
            if keep and results[-1].status == "run":
                written.append(disk.submit(keep_original, kept, item.content_sha256, item.content))
    for original in written:
        original.result()
    runs = [run for result in results for run in result.runs]
    pack = save_pack(kept, athlete_id, runs) if runs else None
    light = tuple(_to_be_compared(r) if hand_over else r.without_frames() for r in results)
    return BatchResult(athlete_id, light, pack, tuple(seen), tuple(unread))


def _to_be_compared(result: FileResult) -> FileResult:
    def light(run: RunResult) -> RunResult:
        track, channels = cast(RoundedTrack, run.track), run.channels
        if channels is not None:
            channels = pl.DataFrame([c for c in channels.get_columns() if c.name.endswith(DYNAMICS)])
        return replace(run, track=track.to_be_measured(), channels=channels)

    return replace(result, runs=tuple(map(light, result.runs)))


def analyse_batch_apart(
    keep: bool, units: Units, hand_over: bool, items: Sequence[Item | Placed]
) -> BatchResult:
    """`analyse_batch` where the workspace is out of reach: what it would have written comes along."""
    with TemporaryDirectory() as name:
        place = Path(name)
        result = analyse_batch(place, keep, units, hand_over, items)
        written = [file for file in place.rglob("*") if file.is_file()]
        return replace(
            result, files={file.relative_to(place).as_posix(): file.read_bytes() for file in written}
        )


def _analyse(item: Item, units: Mapping[tuple[str, str], str]) -> FileResult:
    try:
        activity = read_activity(item.source_name, item.content, kind=item.listed.kind)
        activity = overrule_cadence_unit(activity, item.cadence_unit_given, units)
        check_run(activity)
        runs = _runs_of(item, running_sessions(activity))
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


def _runs_of(item: Item, sessions: list[Activity]) -> tuple[RunResult, ...]:
    """Each running session as a run. Raises Rejected where none can be used; one alone is left out."""
    runs, problems = [], []
    for number, session in enumerate(sessions, start=1):
        try:
            run = analyse_run(
                session,
                run_id=item.content_sha256[:16] + (f"-{number}" if number > 1 else ""),
                athlete_id=item.athlete_id,
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
