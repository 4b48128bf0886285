"""All data of an athlete as one sealed archive, and into a workspace elsewhere.

Inside lies a workspace of that athlete alone, and beside it every public table for other programs to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import SurefootError
from pipeline.export import export_table
from pipeline.groups import read_names, write_names
from pipeline.tables import PUBLIC
from pipeline.workspace import Workspace
from pipeline.workspace.backup import Contents, save_sealed, unpacked

_LONG = ("track", "channels", "grid")
_README = """All that Surefoot keeps of one athlete.

tables/     every table, as CSV, the long ones (a row a second and the like) as Parquet
workspace/  what Surefoot needs to go on: `surefoot unarchive FILE.zip --workspace DIR` takes it in
            originals/ has the recordings as they came, compressed with gzip, each named by its SHA-256
            catalogue.sqlite is an SQLite database: its table `files` has the recordings' own names
manifest.json   every file with its size and SHA-256, and what this archive holds

It is the athlete's own copy of everything: what lies in privacy zones is in it as well.
What each column means is in docs/data-model.md of Surefoot.
"""


def save_archive(path: Path, athlete_id: str, out: Path) -> dict[str, Any]:
    """Write all data of an athlete of the workspace at `path` into `out`; gives what is in it.

    Raises SurefootError where `out` cannot be written.
    """

    def prepare(workspace: Workspace, place: Path) -> Contents:
        with Workspace(place / "workspace", in_folder=True) as alone:
            workspace.copy_athlete(athlete_id, alone)
            others = {"README.txt": place / "README.txt", **_write_tables(alone, place)}
        others["README.txt"].write_text(_README)
        return Contents(place / "workspace", {"kind": "athlete", "athlete": athlete_id}, others)

    return save_sealed(path, out, prepare)


def _write_tables(workspace: Workspace, place: Path) -> Mapping[str, Path]:
    written = {}
    for table in PUBLIC:
        format_ = "parquet" if table in _LONG else "csv"
        written[f"tables/{table}.{format_}"] = file = place / f"{table}.{format_}"
        export_table(workspace, table, format_, file, None)
    return written


def load_archive(file: Path, path: Path, *, replace: bool = False) -> dict[str, Any]:
    """Take the athlete of an archive into the workspace at `path`, whole or not at all; gives what came.

    With `replace` in the place of an athlete of that name. Raises SurefootError, in one line, where there is
    one already, or the archive cannot be trusted.
    """
    with Workspace(path) as workspace:
        return adopt_archive(workspace, file, replace=replace)


def adopt_archive(
    workspace: Workspace, file: Path, *, replace: bool = False, whose: str | None = None
) -> dict[str, Any]:
    """`load_archive` into an open workspace; of nobody else than `whose`, where that is given."""
    with workspace.writer_lock(), unpacked(file, workspace.path) as (facts, source):
        athlete_id = facts["athlete"]
        if facts["kind"] != "athlete":
            raise SurefootError(
                f"{file} holds a whole workspace", "`surefoot restore` unpacks it into an empty folder"
            )
        if whose not in (None, athlete_id):
            raise SurefootError(f"this archive is {athlete_id}'s", f"choose {athlete_id} to take it in")
        if not source.everyone() <= {athlete_id}:
            raise SurefootError(f"{file} holds others than the athlete it names", "take another copy of it")
        groups = source.load_groups(athlete_id)["name"].sort().to_list()
        if read_names(write_names(groups)) != groups:
            raise SurefootError(f"{file} has names of groups that are none", "take another copy of it")
        if damaged := source.find_damaged_originals():
            raise SurefootError(f"{file} holds recordings that are not what they are named by ({damaged[0]})")
        if whose is not None and source.names_originals_of(workspace):
            raise SurefootError(
                "this archive names a recording that it does not hold, and somebody else's is here",
                "make it where the recordings are kept, or upload them themselves",
            )
        workspace.adopt(source, athlete_id, replace=replace)
    return facts
