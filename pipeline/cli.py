"""The `surefoot` command: with log_commands and terminal the only place that prints."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from pipeline import batch, roster_words, wording
from pipeline.effect import swap_logs, vary_half_life
from pipeline.engine import LocalEngine
from pipeline.errors import SurefootError
from pipeline.export import FORMATS, export_table
from pipeline.log_commands import adherence, log, settings
from pipeline.plan_commands import plan
from pipeline.roster import relate_roster
from pipeline.tables import PUBLIC
from pipeline.terminal import (
    any_athlete_option,
    athlete_option,
    choose_athletes,
    json_option,
    say,
    say_json,
    workspace_option,
)
from pipeline.triage import derive_normal_ranges, rank_athletes
from pipeline.watch import POLL_S, WatchedFolder
from pipeline.workspace import Workspace

COMMAND_ERROR = 2
REJECTED_UNDER_STRICT = 1
INTERRUPTED = 130


class Surefoot(click.Group):
    """Whatever goes wrong is said in one line on stderr."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command and leave: 0 done, 1 under --strict, 2 for a wrong call, 130 when stopped."""
        kwargs["standalone_mode"] = False
        try:
            sys.exit(super().main(*args, **kwargs) or 0)
        except click.UsageError as error:
            where = error.ctx.command_path if error.ctx else "surefoot"
            _fail(f"{error.format_message().rstrip('.')}: see `{where} --help`", COMMAND_ERROR)
        except SurefootError as error:
            _fail(str(error), COMMAND_ERROR)
        except click.Abort as abort:
            if isinstance(abort.__cause__, KeyboardInterrupt):
                _fail("stopped: what was finished is kept, and the same call goes on from there", INTERRUPTED)
            _fail("not confirmed, so nothing was done", COMMAND_ERROR)


def _fail(message: str, code: int) -> None:
    print(f"surefoot: {message}", file=sys.stderr)
    sys.exit(code)


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


@contextmanager
def _turn(workspace: Workspace) -> Iterator[None]:
    """Be the one who writes; where another process does, say so in one line and wait until it is done."""
    with ExitStack() as held:
        try:
            held.enter_context(workspace.writer_lock(wait_s=0.5))
        except SurefootError as busy:
            print(f"surefoot: {busy.reason}: waiting until it is done", file=sys.stderr, flush=True)
            held.enter_context(workspace.writer_lock(wait_s=threading.TIMEOUT_MAX))
        yield


@click.group(cls=Surefoot, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="surefoot", prog_name="surefoot")
def main() -> None:
    """Does balance work steady your cadence on rough ground? An honest answer from your own watch files."""


workers_option = click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes; all cores where not given."
)
no_keep_option = click.option(
    "--no-keep", is_flag=True, help="Do not keep a compressed copy of each recording."
)


@main.command()
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
            wording.import_json(
                done.results, done.known, done.copies, updated=done.updated, left_old=done.left_old
            )
        )
    else:
        say(
            wording.import_lines(
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
        with Workspace(folder) as workspace, _turn(workspace), _bar() as watch:
            return batch.import_files(
                workspace, found, athlete_id, engine, keep=keep, cadence_unit=cadence_unit, watch=watch
            )
    finally:
        engine.close()


@main.command()
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
        say(wording.cadence_lines(runs, rules))
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
    with Workspace(folder) as workspace, _turn(workspace):
        marked = workspace.set_cadence_rule(
            athlete_id, device, formats, "" if unit == "auto" else f"{unit}_per_minute"
        )
    done = _take_in([], athlete_id, folder, workers)
    say(wording.cadence_set_lines(device, unit, marked, done.left_old))


@main.command()
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
                    say(wording.taken_lines(done.results, done.known, done.copies))
                    sys.stdout.flush()
                said = ""
            except SurefootError as trouble:
                if str(trouble) != said:
                    print(f"surefoot: {trouble}", file=sys.stderr, flush=True)
                said = str(trouble)
    print("No longer watching")


for command in (log, adherence, settings):
    main.add_command(command)
main.add_command(plan)


@main.command()
@any_athlete_option
@workspace_option
@click.option("--sensitivity", is_flag=True, help="Show how it leans on the half-life of the dose.")
@click.option("--roster", is_flag=True, help="Show what all athletes say together.")
@json_option
def effect(athlete_id: str | None, folder: Path, sensitivity: bool, roster: bool, as_json: bool) -> None:
    """The answer: was cadence steadier on technical ground when more balance work had been done?"""
    with Workspace(folder, read_only=True) as workspace:
        athletes = choose_athletes(workspace, athlete_id)
        effects = workspace.load_effects(athlete_id)
        if sensitivity or roster:
            tables = (
                workspace.load_runs(athlete_id),
                workspace.load_stability(athlete_id),
                workspace.load_balance_sessions(athlete_id),
            )
    if sensitivity:
        varied = vary_half_life(*tables)
        if as_json:
            say_json(varied.to_dicts())
        else:
            for athlete in athletes:
                say(wording.sensitivity_lines(athlete, varied.filter(athlete_id=athlete)))
    elif roster:
        together = relate_roster(effects, swap_logs(*tables))
        if as_json:
            say_json(roster_words.roster_json(together))
        else:
            say(roster_words.roster_lines(together))
    elif as_json:
        say_json(effects.to_dicts())
    else:
        for athlete in athletes:
            say(wording.answer_lines(athlete, effects.filter(athlete_id=athlete)))


@main.command()
@any_athlete_option
@workspace_option
@click.option("--rejected", is_flag=True, help="List the rejected files with what would do.")
@click.option("--not-counting", is_flag=True, help="List the runs that do not count, and why.")
@click.option("--triage", is_flag=True, help="List who needs a look, and why, the most urgent first.")
@json_option
def status(
    athlete_id: str | None, folder: Path, rejected: bool, not_counting: bool, triage: bool, as_json: bool
) -> None:
    """What is in the workspace: runs, duplicates, skipped and rejected files."""
    with Workspace(folder, read_only=True) as workspace:
        athletes = choose_athletes(workspace, athlete_id)
        runs, stability = workspace.load_runs(athlete_id), workspace.load_stability(athlete_id)
        if triage:
            looks = rank_athletes(
                runs,
                stability,
                workspace.load_balance_sessions(athlete_id),
                workspace.load_effects(athlete_id),
                today=datetime.now(UTC).date(),
            )
            if as_json:
                say_json(looks.to_dicts())
            else:
                say(roster_words.triage_lines(looks, len(athletes)))
            return
        if as_json:
            counts: dict[str, Any] = dict(workspace.counts(athlete_id))
            if rejected:
                counts |= {"rejected_files": workspace.load_rejected(athlete_id).to_dicts()}
            if not_counting:
                counts |= {"not_counting": wording.not_counting(workspace.load_runs(athlete_id))}
            say_json(counts)
            return
        if rejected:
            say(wording.rejected_lines(workspace.load_rejected(athlete_id)))
        if not_counting:
            say(wording.not_counting_lines(workspace.load_runs(athlete_id)))
        if not rejected and not not_counting:
            ranges = derive_normal_ranges(runs, stability)
            for athlete in athletes:
                say(wording.status_lines(athlete, workspace.counts(athlete), workspace.load_runs(athlete)))
                say(roster_words.range_lines(ranges.filter(athlete_id=athlete)))


@main.command()
@any_athlete_option
@click.option("--out", "file", required=True, type=click.Path(path_type=Path), help="The HTML file to write.")
@workspace_option
def report(athlete_id: str | None, file: Path, folder: Path) -> None:
    """Write the answer, the trend and the runs as one HTML file that needs no network."""
    from dashboard.report import write_report

    with Workspace(folder, read_only=True) as workspace:
        write_report(workspace, choose_athletes(workspace, athlete_id), file)
    print(f"The report is in {file}")


@main.command()
@click.argument("table", type=click.Choice(sorted(PUBLIC)))
@click.option("--format", "format_", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option("--out", "file", required=True, type=click.Path(path_type=Path), help="The file to write.")
@any_athlete_option
@workspace_option
def export(table: str, format_: str, file: Path, athlete_id: str | None, folder: Path) -> None:
    """Write a table to a file; docs/data-model.md says what is in each."""
    with Workspace(folder, read_only=True) as workspace:
        choose_athletes(workspace, athlete_id)
        rows = export_table(workspace, table, format_, file, athlete_id)
    print(f"{wording.plural(rows, 'row')} of {table} in {file}")


@main.command()
@click.argument("athlete_id")
@workspace_option
@click.confirmation_option(prompt="Remove all runs, tracks, originals and logs of this athlete?")
def forget(athlete_id: str, folder: Path) -> None:
    """Remove every trace of an athlete from the workspace."""
    with Workspace(folder) as workspace:
        choose_athletes(workspace, athlete_id)
        workspace.forget(athlete_id)
    print(f"Nothing of {athlete_id} is left in {folder}")


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8050, show_default=True)
@workspace_option
def dashboard(port: int, folder: Path) -> None:
    """Show it all in the browser, on this machine only (127.0.0.1)."""
    from dashboard.serve import serve

    serve(folder, port=port)
