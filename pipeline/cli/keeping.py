"""The commands that keep what is known safe: backup, restore."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from pipeline.cli.terminal import say, workspace_option
from pipeline.cli.words import plural
from pipeline.workspace import restore_backup, save_backup


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@workspace_option
def backup(file: Path, folder: Path) -> None:
    """Write the whole workspace into one FILE; others may read and write it meanwhile."""
    facts = save_backup(folder, file)
    say([f"{_contents(facts)} are in {file}", *_missing(facts)])


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@workspace_option
def restore(file: Path, folder: Path) -> None:
    """Unpack the backup FILE into a workspace that is new or empty."""
    facts = restore_backup(file, folder)
    say([f"{_contents(facts)} are in {folder} again, as of {facts['made_at']}", *_missing(facts)])


def _contents(facts: Mapping[str, Any]) -> str:
    return (
        f"{plural(len(facts['athletes']), 'athlete')}, {plural(facts['runs'], 'run')}, "
        f"{plural(facts['sessions'], 'session')} and {plural(facts['originals'], 'original')}"
    )


def _missing(facts: Mapping[str, Any]) -> list[str]:
    missing = facts["originals_missing"]
    return [f"{plural(missing, 'recording')} without an original: --no-keep was used"] if missing else []
