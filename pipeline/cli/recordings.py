"""The commands that take recordings in: analyse, watch, cadence."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from pipeline import batch, journal
from pipeline.cli import words
from pipeline.cli.terminal import (
    athlete_option,
    choose_athletes,
    json_log_option,
    json_option,
    named,
    say,
    say_json,
    turn,
    workspace_option,
)
from pipeline.cluster import DaskEngine
from pipeline.engine import Engine, LocalEngine
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
    """One progress bar on stderr, nothing where that is no terminal or has lines of JSON."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[aside]}"),
    )
    console = Console(stderr=True)
    is_off = journal.is_kept() or not console.is_terminal
    # What is printed meanwhile goes above the bar on a terminal, and to where stdout goes elsewhere.
    above = sys.stdout.isatty()
    with Bar(*columns, console=console, transient=True, disable=is_off, redirect_stdout=above) as bar:
        task = bar.add_task("reading", total=None, rate="", aside="")

        def watch(progress: batch.Progress) -> None:
            bar.update(task, description=progress.doing, total=progress.files, completed=progress.done)
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed or 0.0
            aside = f"{progress.set_aside:,} set aside" if progress.set_aside else ""
            bar.update(task, rate=f"{speed:,.0f} a second", aside=aside)

        yield watch


@click.command()
@click.argument("paths", nargs=-1)
@click.option("--athlete", "athlete_id", callback=named, help="Whose: a short name.")
@click.option(
    "--by-folder", is_flag=True, help="Of many: each folder in PATHS is an athlete's, and so named."
)
@workspace_option
@workers_option
@click.option(
    "--engine",
    type=click.Choice(["local", "dask"]),
    default="local",
    help="This machine's cores, or a Dask cluster.",
)
@click.option("--scheduler", help="The address of the cluster's scheduler, such as tcp://host:8786.")
@no_keep_option
@click.option(
    "--cadence-unit",
    type=click.Choice(["steps", "strides"]),
    help="What the cadence of these files counts, where Surefoot finds the wrong one.",
)
@click.option("--strict", is_flag=True, help="Leave with 1 when a file was rejected.")
@json_option
@json_log_option
def analyse(
    paths: tuple[str, ...],
    athlete_id: str | None,
    by_folder: bool,
    folder: Path,
    workers: int | None,
    engine: str,
    scheduler: str | None,
    no_keep: bool,
    cadence_unit: str | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Read recordings (FIT, GPX, TCX, archives, whole folders) and bring the answer up to date.

    PATHS may be URLs of object storage, s3://bucket/folder. Without PATHS: analyse anew what an older version
    of Surefoot analysed.
    """
    _check_call(paths, athlete_id, by_folder, workers, engine, scheduler)
    if not paths:
        with Workspace(folder, read_only=True) as workspace:
            choose_athletes(workspace, athlete_id)
    found = (
        batch.find_folders(paths, folder) if by_folder else {str(athlete_id): batch.find_files(paths, folder)}
    )
    unit = f"{cadence_unit}_per_minute" if cadence_unit else ""
    rejected = False
    imports = []
    for name, done in _take_in(found, folder, _engine(workers, scheduler), not no_keep, unit):
        rejected |= any(result.status == "rejected" for result in done.results)
        facts = (done.results, done.known, done.copies)
        old: dict[str, Any] = {"updated": done.updated, "left_old": done.left_old}
        if as_json:
            imports.append(({"athlete_id": name} if by_folder else {}) | words.import_json(*facts, **old))
        else:
            say([f"{name}:"] if by_folder else [])
            say(words.import_lines(*facts, **old))
    if as_json:
        say_json(imports if by_folder else imports[0])
    if strict and rejected:
        sys.exit(REJECTED_UNDER_STRICT)


def _check_call(
    paths: Sequence[str],
    athlete_id: str | None,
    by_folder: bool,
    workers: int | None,
    engine: str,
    scheduler: str | None,
) -> None:
    """Raise UsageError where the options do not go together."""
    wrong = ""
    if (athlete_id is None) == (not by_folder):
        wrong = "say whose: one athlete with --athlete ID, or those that the folders name with --by-folder"
    elif by_folder and not paths:
        wrong = "--by-folder needs a folder whose folders are the athletes'"
    elif (engine == "dask") != (scheduler is not None):
        wrong = "a cluster takes both, --engine dask and --scheduler ADDRESS"
    elif scheduler is not None and workers is not None:
        wrong = "--workers is for this machine's cores: a cluster has as many as were started"
    if wrong:
        raise click.UsageError(wrong, click.get_current_context())


def _engine(workers: int | None, scheduler: str | None) -> Engine:
    return LocalEngine(workers or os.cpu_count() or 1) if scheduler is None else DaskEngine(scheduler)


def _take_in(
    found: Mapping[str, Sequence[batch.Found]],
    folder: Path,
    engine: Engine,
    keep: bool = True,
    cadence_unit: str = "",
) -> Iterator[tuple[str, batch.Imported]]:
    """What became of each athlete's files, once those of some are stored and answered."""
    how: dict[str, Any] = {"keep": keep, "cadence_unit": cadence_unit}
    try:
        with Workspace(folder) as workspace, turn(workspace), _bar() as watch:
            if len(found) > 1:
                yield from batch.import_folders(workspace, found, engine, watch=watch, **how)
            else:
                ((name, files),) = found.items()
                yield name, batch.import_files(workspace, files, name, engine, watch=watch, **how)
    finally:
        engine.close()


def _take_in_one(
    found: Sequence[batch.Found], athlete_id: str, folder: Path, workers: int | None, keep: bool = True
) -> batch.Imported:
    ((_, done),) = _take_in({athlete_id: found}, folder, _engine(workers, None), keep)
    return done


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
    done = _take_in_one([], athlete_id, folder, workers)
    say(words.cadence_set_lines(device, unit, marked, done.left_old))


@click.command()
@click.argument("watched", metavar="DIR", type=click.Path(path_type=Path))
@athlete_option
@workspace_option
@workers_option
@no_keep_option
@json_log_option
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
                    done = _take_in_one(found, athlete_id, folder, workers, not no_keep)
                    arrivals.take(found)
                    say(words.taken_lines(done.results, done.known, done.copies))
                    sys.stdout.flush()
                said = ""
            except SurefootError as trouble:
                if str(trouble) != said:
                    print(f"surefoot: {trouble}", file=sys.stderr, flush=True)
                said = str(trouble)
    print("No longer watching")
