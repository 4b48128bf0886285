"""The commands of the balance log: take it in, name its drills, hold it against the plan."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from pipeline.cli import log_words
from pipeline.cli.terminal import (
    any_athlete_option,
    choose_athletes,
    json_option,
    named,
    say,
    say_json,
    workspace_option,
)
from pipeline.drills import find_drill
from pipeline.errors import SurefootError
from pipeline.ingest.balance_log import balance_log_template, parse_balance_log
from pipeline.log_changes import decide_proposals, name_drill, take_in_log
from pipeline.tables import ProposedSessions
from pipeline.workspace import Workspace


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--athlete", "athlete_id", callback=named, help="Whose: a short name.")
@click.option("--template", is_flag=True, help="Print a log to start from.")
@click.option(
    "--dates",
    type=click.Choice(["dmy", "mdy"]),
    help="Which comes first, day or month, where a date can be read two ways.",
)
@click.option("--proposals", is_flag=True, help="List the exercises of strength workouts on the watch.")
@click.option("--accept", metavar="all|DATE", help="Put proposals into the log; those of a day, or all.")
@click.option("--decline", metavar="all|DATE", help="Let proposals never come back.")
@click.option("--unnamed", is_flag=True, help="List the drills that nobody knows.")
@click.option(
    "--name", "logged", metavar="DRILL", help="A drill of the log that is to mean another, by --as."
)
@click.option(
    "--as",
    "meant",
    metavar="DRILL",
    help="The drill it means; its own name again takes that back, 'mobility' lets it not count.",
)
@workspace_option
def log(
    file: Path | None,
    athlete_id: str | None,
    template: bool,
    dates: str | None,
    proposals: bool,
    accept: str | None,
    decline: str | None,
    unnamed: bool,
    logged: str | None,
    meant: str | None,
    folder: Path,
) -> None:
    """Take a balance-training log (CSV, XLSX) in: good rows go in, bad rows are named.

    Minutes are the whole time of an entry, both sides together. With a column minutes_per_side instead
    they are doubled, unless the row's side is left or right or the drill has no sides.
    """
    if template:
        print(balance_log_template(), end="")
        return
    asked = (
        file is not None,
        unnamed,
        logged is not None,
        proposals,
        accept is not None,
        decline is not None,
    )
    if athlete_id is None or sum(asked) != 1:
        raise click.UsageError(
            "name a log FILE, or one of --unnamed, --name, --proposals, --accept and --decline, and an "
            "--athlete; or ask for a --template",
            click.get_current_context(),
        )
    if (logged is None) != (meant is None):
        raise click.UsageError("--name and --as go together", click.get_current_context())
    if unnamed:
        with Workspace(folder, read_only=True) as workspace:
            choose_athletes(workspace, athlete_id)
            say(log_words.unnamed_lines(workspace.load_balance_sessions(athlete_id)))
    elif proposals:
        with Workspace(folder, read_only=True) as workspace:
            choose_athletes(workspace, athlete_id)
            say(log_words.proposal_lines(workspace.load_proposed_sessions(athlete_id)))
    elif accept is not None:
        _decide(folder, athlete_id, accept, "accepted")
    elif decline is not None:
        _decide(folder, athlete_id, decline, "declined")
    elif logged is not None and meant is not None:
        _name(folder, athlete_id, logged, meant)
    elif file is not None:
        _take_in(folder, athlete_id, file, dates or "")


def _take_in(folder: Path, athlete_id: str, file: Path, dates: str) -> None:
    parsed = parse_balance_log(file.name, _read(file), athlete_id, dates=dates)
    with Workspace(folder) as workspace:
        taken = take_in_log(workspace, athlete_id, parsed)
        sessions = workspace.load_balance_sessions(athlete_id)
    say(log_words.log_lines(file.name, taken, sessions))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SurefootError(
            f"{file} cannot be read ({error.strerror})", "check its name and rights"
        ) from None


def _decide(folder: Path, athlete_id: str, which: str, status: str) -> None:
    """Accept or decline the proposals of a day or all of them, those apart that would do harm."""
    with Workspace(folder, read_only=True) as workspace:
        choose_athletes(workspace, athlete_id)
    with Workspace(folder) as workspace:
        proposed = workspace.load_proposed_sessions(athlete_id)
        if which != "all":
            try:
                proposed = ProposedSessions.cast(proposed.filter(date=date.fromisoformat(which)))
            except ValueError:
                raise click.UsageError(
                    f"{which!r} is neither 'all' nor a date YYYY-MM-DD", click.get_current_context()
                ) from None
        left = decide_proposals(workspace, athlete_id, proposed, status)
    say(log_words.decided_lines(proposed, left, status))


def _name(folder: Path, athlete_id: str, logged: str, meant: str) -> None:
    """Let a drill of the log mean another one of the catalogue."""
    with Workspace(folder, read_only=True) as workspace:
        choose_athletes(workspace, athlete_id)
    with Workspace(folder) as workspace:
        drill = name_drill(workspace, athlete_id, logged, meant)
        sessions = workspace.load_balance_sessions(athlete_id)
    say([log_words.named_line(find_drill(logged).name, drill, sessions)])


@click.command()
@any_athlete_option
@workspace_option
@json_option
def adherence(athlete_id: str | None, folder: Path, as_json: bool) -> None:
    """The last eight weeks of the log beside the plan, and what is next."""
    with Workspace(folder, read_only=True) as workspace:
        athletes = choose_athletes(workspace, athlete_id)
        weeks = workspace.load_adherence(athlete_id)
        parts = workspace.load_dose_by_category(athlete_id)
        half_lives = {each: workspace.load_settings_of(each).half_life_days for each in athletes}
    if as_json:
        say_json(weeks.to_dicts())
    else:
        for athlete in athletes:
            own_weeks, own_parts = (table.filter(athlete_id=athlete) for table in (weeks, parts))
            say(log_words.adherence_lines(athlete, own_weeks, own_parts, half_lives[athlete]))
