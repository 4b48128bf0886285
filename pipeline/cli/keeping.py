"""The commands that keep what is known safe, and its owner's: backup, restore, archive, unarchive, forget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from pipeline.archive import load_archive, save_archive
from pipeline.batch import refresh_sharers
from pipeline.cli.terminal import athlete_option, choose_athletes, say, workspace_option
from pipeline.cli.words import plural
from pipeline.errors import SurefootError
from pipeline.workspace import Searched, Sought, Workspace, place_below, restore_backup, save_backup

file_argument = click.argument("file", type=click.Path(path_type=Path))


@click.command()
@file_argument
@workspace_option
def backup(file: Path, folder: Path) -> None:
    """Write the whole workspace into one FILE; others may read and write it meanwhile."""
    facts = save_backup(folder, file)
    say([f"{_all(facts)} are in {file}", *_missing(facts)])


@click.command()
@file_argument
@workspace_option
def restore(file: Path, folder: Path) -> None:
    """Unpack the backup FILE into a workspace that is new or empty."""
    facts = restore_backup(file, folder)
    say([f"{_all(facts)} are in {folder} again, as of {facts['made_at']}", *_missing(facts)])


@click.command()
@file_argument
@athlete_option
@workspace_option
def archive(file: Path, athlete_id: str, folder: Path) -> None:
    """Write all data of an athlete into one FILE: tables, tracks, originals, log, plans, settings.

    It is the athlete's own copy of everything: what lies in privacy zones is in it as well.
    """
    with Workspace(folder, read_only=True) as workspace:
        choose_athletes(workspace, athlete_id)
        hides = len(workspace.load_zones(athlete_id)) > 0
    facts = save_archive(folder, athlete_id, file)
    whole = ["Privacy zones hide nothing in it: keep it to yourself"] if hides else []
    say([f"{_counts(facts)} of {athlete_id} are in {file}", *whole, *_missing(facts)])


@click.command()
@file_argument
@click.option("--replace", is_flag=True, help="In the place of an athlete of the same name.")
@workspace_option
def unarchive(file: Path, replace: bool, folder: Path) -> None:
    """Take the athlete of the archive FILE into the workspace."""
    facts = load_archive(file, folder, replace=replace)
    say([f"{_counts(facts)} of {facts['athlete']} are in {folder}", *_missing(facts)])


@click.command()
@click.argument("athlete_id")
@workspace_option
@click.confirmation_option(prompt="Remove all runs, tracks, originals and logs of this athlete?")
def forget(athlete_id: str, folder: Path) -> None:
    """Remove every trace of an athlete from the workspace, and search all of it for one that is left."""
    with Workspace(folder) as workspace, workspace.writer_lock():
        known = athlete_id in {*workspace.everyone(), *workspace.athletes()}
        sought, sharers = workspace.gather_traces(athlete_id), workspace.sharers(athlete_id)
        workspace.forget(athlete_id)
        refresh_sharers(workspace, sharers)
        searched = workspace.search_traces(sought)
        found = [f"{what} in {place_below(file, folder)}" for file, what in searched.found]
        found += [f"{what} in the table {name}" for name, what in searched.found_in_tables]
        if found:
            raise SurefootError(
                f"traces of {athlete_id} are left in {folder}: {', '.join(found[:5])}",
                "remove them, and tell us how they came there",
            )
        if not known:
            raise SurefootError(
                f"there is no athlete {athlete_id!r} in {folder}",
                "its files were cleaned and searched all the same, and no trace was found",
            )
    say([f"Nothing of {athlete_id} is left in {folder}", *_searched_lines(athlete_id, sought, searched)])


def _searched_lines(athlete_id: str, sought: Sought, searched: Searched) -> list[str]:
    """What a search without a find went through, and what it looked for."""
    of_each = Counter(sought.words.values())
    words = [what if n == 1 else f"{n} times {what}" for what, n in of_each.items()]
    lines = [
        f"  Searched {plural(searched.files, 'file')}, {searched.size_bytes:,} bytes as they lie there and "
        f"{searched.unpacked_bytes:,} unpacked"
        + (
            f", and {searched.rows_bytes:,} bytes of {plural(searched.tables, 'table')}"
            if searched.tables
            else ""
        )
        + f", for {', '.join(words)} and "
        f"{plural(len(sought.positions), 'position')}, as text, as numbers and as in FIT: none was found"
    ]
    if searched.tables:
        lines.append(
            "  What the database server keeps outside of its tables is not searched: its write-ahead log "
            "until it is written over, archives of that, replicas, backups, its own logs"
        )
    if searched.objects:
        lines.append(
            "  What the object storage keeps beside its objects is not searched: older versions, where it "
            "made any before, replicas, its own logs"
        )
    if athlete_id.encode() not in sought.words:
        lines.append(f"  {athlete_id!r} alone cannot be told from other bytes: no row of any table is of it")
    return lines


def _all(facts: Mapping[str, Any]) -> str:
    return f"{plural(len(facts['athletes']), 'athlete')}, {_counts(facts)}"


def _counts(facts: Mapping[str, Any]) -> str:
    return (
        f"{plural(facts['runs'], 'run')}, {plural(facts['sessions'], 'session')} and "
        f"{plural(facts['originals'], 'original')}"
    )


def _missing(facts: Mapping[str, Any]) -> list[str]:
    missing = facts["originals_missing"]
    if not missing:
        return []
    return [
        f"{plural(missing, 'recording')} without an original, since --no-keep was used: the results are "
        "there, but a later version cannot analyse them anew"
    ]
