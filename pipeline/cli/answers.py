"""The commands that look at what is known: effect, status, report, export, dashboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import click
import dataframely as dy
import polars as pl

from pipeline.cli import roster_words, words
from pipeline.cli.terminal import (
    any_athlete_option,
    choose_athletes,
    group_option,
    json_log_option,
    json_option,
    say,
    say_json,
    workspace_option,
)
from pipeline.effect import examine_staggered, relate_claims, swap_logs, vary_half_life
from pipeline.export import FORMATS, export_table
from pipeline.roster import relate_roster
from pipeline.tables import PUBLIC, DataFrame
from pipeline.triage import derive_normal_ranges, rank_athletes
from pipeline.workspace import VeiledWorkspace, Workspace

S = TypeVar("S", bound=dy.Schema)


@click.command()
@any_athlete_option
@group_option
@workspace_option
@click.option("--sensitivity", is_flag=True, help="Show how it leans on the half-life of the dose.")
@click.option("--claims", is_flag=True, help="Show descents, climbs, late in the run, and clean sets apart.")
@click.option("--roster", is_flag=True, help="Show what all athletes say together.")
@json_option
def effect(
    athlete_id: str | None,
    group: str | None,
    folder: Path,
    sensitivity: bool,
    claims: bool,
    roster: bool,
    as_json: bool,
) -> None:
    """The answer: was cadence steadier on technical ground when more balance work had been done?"""
    with Workspace(folder, read_only=True) as workspace:
        athletes = choose_athletes(workspace, athlete_id, group)
        whom = athletes if group else [athlete_id]
        effects = _load(workspace.load_effects, whom)
        if sensitivity or claims or roster:
            tables = (
                _load(workspace.load_runs, whom),
                _load(workspace.load_stability, whom),
                _load(workspace.load_balance_sessions, whom),
            )
            plans = _load(workspace.load_plans, whom)
            half_lives = {each: workspace.load_settings_of(each).half_life_days for each in athletes}
    if sensitivity:
        varied = vary_half_life(*tables)
        if as_json:
            say_json(varied.to_dicts())
        else:
            for athlete in athletes:
                say(words.sensitivity_lines(athlete, varied.filter(athlete_id=athlete)))
    elif claims:
        claimed = relate_claims(*tables, half_lives)
        if as_json:
            say_json(claimed.to_dicts())
        else:
            for athlete in athletes:
                say(words.claim_lines(athlete, claimed.filter(athlete_id=athlete)))
    elif roster:
        together = relate_roster(effects, swap_logs(*tables))
        staggered = examine_staggered(*tables, plans)
        if as_json:
            say_json(
                roster_words.roster_json(together) | {"staggered": asdict(staggered) if staggered else None}
            )
        else:
            say(roster_words.roster_lines(together, group))
            if staggered is not None:
                say(roster_words.stagger_lines(staggered, together.verdict))
    elif as_json:
        say_json(effects.to_dicts())
    else:
        for athlete in athletes:
            say(words.answer_lines(athlete, effects.filter(athlete_id=athlete)))


def _load(load: Callable[[str | None], DataFrame[S]], whom: Sequence[str | None]) -> DataFrame[S]:
    """The rows of these athletes, one after the other; None stands for all."""
    return cast(DataFrame[S], pl.concat([load(each) for each in whom]))


@click.command()
@any_athlete_option
@group_option
@workspace_option
@click.option("--rejected", is_flag=True, help="List the rejected files with what would do.")
@click.option("--not-counting", is_flag=True, help="List the runs that do not count, and why.")
@click.option("--triage", is_flag=True, help="List who needs a look, and why, the most urgent first.")
@json_option
def status(
    athlete_id: str | None,
    group: str | None,
    folder: Path,
    rejected: bool,
    not_counting: bool,
    triage: bool,
    as_json: bool,
) -> None:
    """What is in the workspace: runs, duplicates, skipped and rejected files."""
    if group is not None and not triage:
        raise click.UsageError("--group goes with --triage", click.get_current_context())
    with Workspace(folder, read_only=True) as workspace:
        athletes = choose_athletes(workspace, athlete_id, group)
        whom = athletes if group else [athlete_id]
        runs, stability = _load(workspace.load_runs, whom), _load(workspace.load_stability, whom)
        if triage:
            today = datetime.now(UTC).date()
            looks = rank_athletes(
                runs,
                stability,
                _load(workspace.load_balance_sessions, whom),
                _load(workspace.load_effects, whom),
                {athlete: workspace.count_weeks_in_plan(athlete, today) for athlete in athletes},
                today=today,
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
                counts |= {"not_counting": words.not_counting(workspace.load_runs(athlete_id))}
            say_json(counts)
            return
        if rejected:
            say(words.rejected_lines(workspace.load_rejected(athlete_id)))
        if not_counting:
            say(words.not_counting_lines(workspace.load_runs(athlete_id)))
        if not rejected and not not_counting:
            ranges = derive_normal_ranges(runs, stability)
            for athlete in athletes:
                say(words.status_lines(athlete, workspace.counts(athlete), workspace.load_runs(athlete)))
                say(roster_words.range_lines(ranges.filter(athlete_id=athlete)))


@click.command()
@any_athlete_option
@group_option
@click.option("--out", "file", required=True, type=click.Path(path_type=Path), help="The HTML file to write.")
@workspace_option
def report(athlete_id: str | None, group: str | None, file: Path, folder: Path) -> None:
    """Write the answer, the trend and the runs as one HTML file that needs no network."""
    from dashboard.report import write_report

    with VeiledWorkspace(folder, read_only=True) as workspace:
        write_report(workspace, choose_athletes(workspace, athlete_id, group), file)
    print(f"The report is in {file}")


@click.command()
@click.argument("table", type=click.Choice(sorted(PUBLIC)))
@click.option("--format", "format_", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option("--out", "file", required=True, type=click.Path(path_type=Path), help="The file to write.")
@any_athlete_option
@workspace_option
def export(table: str, format_: str, file: Path, athlete_id: str | None, folder: Path) -> None:
    """Write a table to a file; docs/data-model.md says what is in each. Privacy zones are left out."""
    with VeiledWorkspace(folder, read_only=True) as workspace:
        choose_athletes(workspace, athlete_id)
        rows = export_table(workspace, table, format_, file, athlete_id)
    print(f"{words.plural(rows, 'row')} of {table} in {file}")


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8050, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Any other needs --accounts.")
@click.option("--accounts", "with_accounts", is_flag=True, help="Ask everybody to sign in.")
@click.option("--site", default="", help="With --accounts: the address that people type, https://NAME.")
@workspace_option
@json_log_option
def dashboard(port: int, host: str, with_accounts: bool, site: str, folder: Path) -> None:
    """Show it all in the browser: on this machine only, or hosted with accounts (docs/hosting.md)."""
    from dashboard.serve import serve

    serve(folder, port, host=host, with_accounts=with_accounts, site=site)
