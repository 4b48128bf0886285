"""The commands that take recordings in: analyse, watch, cadence."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from pipeline import batch
from pipeline.cli import words
from pipeline.cli.terminal import (
    athlete_option,
    choose_athletes,
    json_option,
    say,
    say_json,
    turn,
    workspace_option,
)
from pipeline.engine import LocalEngine
from pipeline.errors import SurefootError
from pipeline.watch import POLL_S, WatchedFolder
from pipeline.workspace import Workspace

REJECTED_UNDER_STRICT = 1

workers_option = click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes; all cores where not given."
)
no_keep_option = click.option(
    "--no-keep", is_flag=True, help="Do not keep a compressed copy of each recording."
)


@contextmanager
def _bar() -> Iterator[batch.Watch]:
    """One progress bar on stderr, nothing where that is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[aside]}"),
    )
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=None, rate="", aside="")

        def watch(progress: batch.Progress) -> None:
            bar.update(task, description=progress.doing, total=progress.files, completed=progress.done)
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed or 0.0
            aside = f"{progress.set_aside:,} set aside" if progress.set_aside else ""
            bar.update(task, rate=f"{speed:,.0f} a second", aside=aside)

        yield watch


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@athlete_option
@workspace_option
@workers_option
@no_keep_option
@click.option(
    "--cadence-unit",
    type=click.Choice(["steps", "strides"]),
    help="What the cadence of these files counts, where Surefoot finds the wrong one.",
)
@click.option("--strict", is_flag=True, help="Leave with 1 when a file was rejected.")
@json_option
def analyse(
    paths: tuple[Path, ...],
    athlete_id: str,
    folder: Path,
    workers: int | None,
    no_keep: bool,
    cadence_unit: str | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Read recordings (FIT, GPX, TCX, archives, whole folders) and bring the answer up to date.

    Without PATHS: analyse anew what an older version of Surefoot analysed.
    """
    if not paths:
        with Workspace(folder, read_only=True) as workspace:
            choose_athletes(workspace, athlete_id)
    found = batch.find_files(paths, folder)
    unit = f"{cadence_unit}_per_minute" if cadence_unit else ""
    done = _take_in(found, athlete_id, folder, workers, keep=not no_keep, cadence_unit=unit)
    if as_json:
        say_json(
            words.import_json(
                done.results, done.known, done.copies, updated=done.updated, left_old=done.left_old
            )
        )
    else:
        say(
            words.import_lines(
                done.results, done.known, done.copies, updated=done.updated, left_old=done.left_old
            )
        )
    if strict and any(result.status == "rejected" for result in done.results):
        sys.exit(REJECTED_UNDER_STRICT)


def _take_in(
    found: Sequence[batch.Found],
    athlete_id: str,
    folder: Path,
    workers: int | None,
    *,
    keep: bool = True,
    cadence_unit: str = "",
) -> batch.Imported:
    engine = LocalEngine(workers or os.cpu_count() or 1)
    try:
        with Workspace(folder) as workspace, turn(workspace), _bar() as watch:
            return batch.import_files(
                workspace, found, athlete_id, engine, keep=keep, cadence_unit=cadence_unit, watch=watch
            )
    finally:
        engine.close()


@click.command()
@athlete_option
@click.option("--device", help="The device, as the list names it.")
@click.option("--unit", type=click.Choice(["steps", "strides", "auto"]), help="auto: let the files decide.")
@click.option("--format", "format_", type=click.Choice(["fit", "gpx", "tcx"]), help="This format only.")
@workspace_option
@workers_option
def cadence(
    athlete_id: str,
    device: str | None,
    unit: str | None,
    format_: str | None,
    folder: Path,
    workers: int | None,
) -> None:
    """What each device's cadence counts, steps or strides; with --device and --unit, set it right.

    The device's stored runs are measured anew, and its later files are read the same way.
    """
    with Workspace(folder, read_only=True) as workspace:
        choose_athletes(workspace, athlete_id)
        runs = workspace.load_runs(athlete_id)
        rules = workspace.load_cadence_rules(athlete_id)
    if device is None and unit is None:
        say(words.cadence_lines(runs, rules))
        return
    if device is None or unit is None:
        raise click.UsageError(
            "name a --device and its --unit, or neither to list them", click.get_current_context()
        )
    known = [*runs.filter(device=device)["source_format"], *rules.filter(device=device)["source_format"]]
    formats = sorted({str(name) for name in known if format_ in (None, name)})
    if not formats:
        raise SurefootError(
            f"there is no run of {athlete_id} by a device {device!r}",
            f"`surefoot cadence --athlete {athlete_id}` lists the devices",
        )
    with Workspace(folder) as workspace, turn(workspace):
        marked = workspace.set_cadence_rule(
            athlete_id, device, formats, "" if unit == "auto" else f"{unit}_per_minute"
        )
    done = _take_in([], athlete_id, folder, workers)
    say(words.cadence_set_lines(device, unit, marked, done.left_old))


@click.command()
@click.argument("watched", metavar="DIR", type=click.Path(path_type=Path))
@athlete_option
@workspace_option
@workers_option
@no_keep_option
def watch(watched: Path, athlete_id: str, folder: Path, workers: int | None, no_keep: bool) -> None:
    """Take recordings in as they come into a folder, each once it is at rest, until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arrivals = WatchedFolder(watched, folder)
    arrivals.resting()
    Workspace(folder).close()
    print(f"Watching {watched} for {athlete_id}: Ctrl-C ends it", flush=True)
    said = ""
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(POLL_S)
            try:
                if found := arrivals.resting():
                    done = _take_in(found, athlete_id, folder, workers, keep=not no_keep)
                    arrivals.take(found)
                    say(words.taken_lines(done.results, done.known, done.copies))
                    sys.stdout.flush()
                said = ""
            except SurefootError as trouble:
                if str(trouble) != said:
                    print(f"surefoot: {trouble}", file=sys.stderr, flush=True)
                said = str(trouble)
    print("No longer watching")
