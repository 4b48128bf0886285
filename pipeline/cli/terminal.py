"""What the commands share: options that many take, and how they print."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline import journal
from pipeline.errors import SurefootError
from pipeline.groups import choose_members
from pipeline.objects import is_url
from pipeline.workspace import Workspace, kept, link

Command = TypeVar("Command", bound=Callable[..., Any])


def workspace_option(command: Command) -> Command:
    """--workspace, given to the command as `folder`, and the database and object storage that go with it."""
    folder = click.option(
        "--workspace",
        "folder",
        type=click.Path(path_type=Path),
        default=Path("workspace"),
        show_default=True,
        callback=_folder,
        help="Folder that keeps everything.",
    )
    database = _url_option(
        "--database", link.VARIABLE, "Keep the catalogue in this PostgreSQL, postgresql://user@host/name"
    )
    objects = _url_option(
        "--objects", kept.VARIABLE, "Keep tracks and recordings in object storage, s3://bucket/folder"
    )
    return objects(database(folder(command)))


def _folder(_context: click.Context, _option: click.Parameter, folder: Path) -> Path:
    if is_url(str(folder).replace(":/", "://", 1)) and not folder.exists():
        raise click.BadParameter(
            "a workspace is a folder; --objects keeps its tracks and recordings in object storage"
        )
    return folder


def _url_option(name: str, variable: str, what: str) -> Callable[[Command], Command]:
    def ask_for(_context: click.Context, _option: click.Parameter, url: str | None) -> None:
        # Processes that are started have to know it as well.
        if url is not None:
            os.environ[variable] = url

    return click.option(
        name, metavar="URL", expose_value=False, callback=ask_for, help=f"{what}; {variable} does the same."
    )


def named(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Refuse an athlete of blanks: the name is what a person will ask for."""
    if value is not None and not value.strip():
        raise click.BadParameter("an athlete needs a name, such as --athlete me")
    return value


athlete_option = click.option(
    "--athlete", "athlete_id", required=True, callback=named, help="Whose: a short name."
)
any_athlete_option = click.option("--athlete", "athlete_id", help="This athlete only.")
group_option = click.option("--group", metavar="NAME", help="The athletes of this group only.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


def _keep_journal(_context: click.Context, _option: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        journal.keep()


json_log_option = click.option(
    "--json-log",
    is_flag=True,
    expose_value=False,
    callback=_keep_journal,
    help=f"Log in lines of JSON on stderr, without personal data; {journal.VARIABLE}=json does the same.",
)


def say(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        print(line)


def say_json(value: object) -> None:
    """Print a value for machines."""
    print(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def choose_athletes(workspace: Workspace, athlete_id: str | None, group: str | None = None) -> list[str]:
    """The athlete asked for, those of a group, or all. Raises SurefootError where there is none."""
    if group is not None and athlete_id is not None:
        raise click.UsageError("choose an athlete or a group", click.get_current_context())
    known = workspace.athletes()
    if group is not None:
        return choose_members(workspace.load_groups(), group, known)
    if athlete_id is None and known:
        return known
    if athlete_id in known:
        return [str(athlete_id)]
    who = f"no athlete {athlete_id!r}" if athlete_id else "nobody"
    raise SurefootError(
        f"there is {who} in {workspace.path}", "`surefoot analyse PATH --athlete ID` takes recordings in"
    )


@contextmanager
def turn(workspace: Workspace) -> Iterator[None]:
    """Be the one who writes; where another process does, say so in one line and wait until it is done."""
    with ExitStack() as held:
        try:
            held.enter_context(workspace.writer_lock(wait_s=0.5))
        except SurefootError as busy:
            print(f"surefoot: {busy.reason}: waiting until it is done", file=sys.stderr, flush=True)
            held.enter_context(workspace.writer_lock(wait_s=threading.TIMEOUT_MAX))
        yield
