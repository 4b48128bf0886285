"""The command for groups of athletes."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click
import polars as pl

from pipeline.cli.terminal import choose_athletes, say, workspace_option
from pipeline.errors import SurefootError
from pipeline.groups import choose_members, read_names
from pipeline.workspace import Workspace


@click.command()
@click.argument("name", required=False)
@click.argument("athletes", nargs=-1, metavar="[ATHLETE]...")
@click.option("--remove", is_flag=True, help="Take the athletes out of the group, all of them without any.")
@workspace_option
def group(name: str | None, athletes: tuple[str, ...], remove: bool, folder: Path) -> None:
    """Put athletes into a group, such as juniors, to look at them alone: --group of effect, status, report.

    Without athletes the group is listed, without a NAME all are. An athlete may be in several.
    """
    if name is None:
        if remove:
            raise click.UsageError("say which group", click.get_current_context())
        with Workspace(folder, read_only=True) as workspace:
            say(_lines(workspace.load_groups()))
        return
    names = read_names(name)
    if len(names) != 1:
        raise click.UsageError("a group has one name, without commas", click.get_current_context())
    with Workspace(folder, read_only=not (athletes or remove)) as workspace:
        if remove:
            _take_out(workspace, names[0], athletes)
        else:
            _put_in(workspace, names[0], athletes)
        groups = workspace.load_groups()
        if not remove:
            choose_members(groups, names[0], workspace.athletes())
    say(_lines(groups if remove else groups.filter(name=names[0])))


def _put_in(workspace: Workspace, name: str, athletes: tuple[str, ...]) -> None:
    for athlete_id in athletes:
        choose_athletes(workspace, athlete_id)
    with workspace.writer_lock() if athletes else nullcontext():
        for athlete_id in athletes:
            own = workspace.load_groups(athlete_id)["name"].to_list()
            workspace.save_groups(athlete_id, read_names(",".join([*own, name])))


def _take_out(workspace: Workspace, name: str, athletes: tuple[str, ...]) -> None:
    members = choose_members(workspace.load_groups(), name, workspace.athletes())
    for athlete_id in athletes:
        if athlete_id not in members:
            raise SurefootError(f"{athlete_id} is not in {name}", f"there is {', '.join(members)}")
    with workspace.writer_lock():
        for athlete_id in athletes or members:
            own = set(workspace.load_groups(athlete_id)["name"])
            workspace.save_groups(athlete_id, own - {name})


def _lines(groups: pl.DataFrame) -> list[str]:
    """Each group with its athletes."""
    lines = [
        f"{name} ({len(own)}): {', '.join(own['athlete_id'])}"
        for (name,), own in groups.sort("name", "athlete_id").group_by("name", maintain_order=True)
    ]
    return lines or ["There is no group"]
