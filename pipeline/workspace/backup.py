"""A whole workspace in one sealed archive, and back into an empty folder.

Any process may write meanwhile: the catalogue is copied as it is at one moment, and the packs that it names
never change. Only where a newer analysis removed one of them before it was read, the backup begins again, as
the one writer.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import polars as pl

from pipeline.errors import SurefootError
from pipeline.workspace import catalogue, folder, link, postgres, sqlite, upgrade
from pipeline.workspace.kept import Kept, claimed, move_in, place_below
from pipeline.workspace.originals import kept_originals, original_file
from pipeline.workspace.packs import all_pack_files
from pipeline.workspace.sealed import Sealer, damaged, unseal
from pipeline.workspace.store import Workspace

_INSIDE = "workspace"
_WANTED = re.compile(
    rf"{_INSIDE}/(catalogue\.sqlite|packs/v\d{{1,9}}/[0-9a-f]{{16}}/[0-9a-f]{{32}}\.[a-z]{{1,16}}\.parquet"
    r"|originals/[0-9a-f]{2}/[0-9a-f]{64}\.gz)"
)
_OTHERS = re.compile(r"README\.txt|tables/[a-z_]{1,40}\.(csv|parquet)")


class Replaced(Exception):
    """A pack or an original was removed after the catalogue that names it had been copied."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into an archive: a workspace that nobody changes, facts of it, and files by name."""

    snapshot: Path
    facts: Mapping[str, Any]
    others: Mapping[str, Path]


def save_backup(path: Path, out: Path) -> dict[str, Any]:
    """Write the workspace at `path` into one file, whole or not at all; gives what is in it.

    Raises SurefootError where there is no workspace, or `out` cannot be written.
    """

    def prepare(workspace: Workspace, place: Path) -> Contents:
        workspace.copy_catalogue(place / folder.CATALOGUE)
        return Contents(place, {"kind": "workspace"}, {})

    return save_sealed(path, out, prepare)


def save_sealed(path: Path, out: Path, prepare: Callable[[Workspace, Path], Contents]) -> dict[str, Any]:
    """Write what `prepare` makes of the workspace at `path`, in a folder for that, into a sealed archive.

    Gives its facts. Raises SurefootError where there is no workspace, or `out` cannot be written.
    """
    _check_out(path, out)
    try:
        return _save_sealed(path, out, prepare, alone=False)
    except Replaced:
        return _save_sealed(path, out, prepare, alone=True)


def _save_sealed(
    path: Path, out: Path, prepare: Callable[[Workspace, Path], Contents], *, alone: bool
) -> dict[str, Any]:
    with (
        Workspace(path, read_only=not alone) as workspace,
        workspace.writer_lock() if alone else nullcontext(),
        _place_beside(out) as place,
    ):
        try:
            return _seal(out, workspace.kept, prepare(workspace, place))
        except FileNotFoundError:
            raise Replaced from None


def _check_out(path: Path, out: Path) -> None:
    """Raise SurefootError where an archive cannot go: into no folder, or into the workspace itself."""
    if not out.parent.is_dir():
        raise SurefootError(f"there is no folder {out.parent}", "make it first, or name another file")
    if path.resolve() in out.resolve().parents:
        raise SurefootError(f"{out} lies in the workspace itself", "name a file outside of it")


@contextmanager
def _place_beside(out: Path) -> Iterator[Path]:
    """A folder for what goes into `out`, removed afterwards; private, and on a disk that has the room."""
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f"{out.name}.", suffix=".tmp") as place:
            yield Path(place)
    except OSError as error:
        raise SurefootError(
            f"{out} could not be written ({error.strerror or error})",
            "make room on the disk or check the folder's rights, then run it again",
        ) from None


def _seal(out: Path, kept: Kept, contents: Contents) -> dict[str, Any]:
    with Workspace(contents.snapshot, read_only=True, in_folder=True) as snapshot:
        facts = {
            **contents.facts,
            "surefoot": version("surefoot"),
            "revision": upgrade.HEAD,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **_count(snapshot, kept),
        }

        def write(archive: IO[bytes]) -> None:
            os.fchmod(archive.fileno(), 0o600)
            with Sealer(archive) as sealer:
                for name, other in contents.others.items():
                    sealer.add_file(name, other)
                sealer.add_file(f"{_INSIDE}/{folder.CATALOGUE}", snapshot.path / folder.CATALOGUE)
                try:
                    for file in (*_packs(snapshot, kept), *_originals(snapshot, kept)):
                        sealer.add_file(f"{_INSIDE}/{place_below(file, kept)}", file)
                except FileNotFoundError:
                    raise Replaced from None
                sealer.finish(facts)

        folder.put_atomic(out, write)
    return facts


def _packs(snapshot: Workspace, kept: Kept) -> Iterator[Kept]:
    for pack in snapshot.load_packs():
        yield from all_pack_files(kept, pack["athlete_id"], pack["analysis_version"], pack["pack_id"])


def _originals(snapshot: Workspace, kept: Kept) -> list[Kept]:
    named = set(snapshot.load_files()["content_sha256"]) & _contents_at(kept)
    return [original_file(kept, sha) for sha in sorted(named)]


def _contents_at(kept: Kept) -> set[str]:
    """The contents whose originals lie there, whole."""
    return {sha for sha, file in kept_originals(kept) if file.suffix == ".gz"}


def _count(snapshot: Workspace, kept: Kept) -> dict[str, Any]:
    """What a workspace holds, its originals lying at `kept`; of some recordings none may have been kept."""
    recordings = snapshot.load_files().filter(pl.col("status").is_in(["run", "duplicate"]))
    return {
        "athletes": snapshot.athletes(),
        "runs": snapshot.counts()["runs"],
        "sessions": snapshot.load_balance_sessions().height,
        "originals": len(_originals(snapshot, kept)),
        "originals_missing": len(set(recordings["content_sha256"]) - _contents_at(kept)),
    }


def restore_backup(file: Path, path: Path) -> dict[str, Any]:
    """Unpack a backup into a new or an empty folder, whole or not at all; gives what is in it.

    Its rows go into the database that is asked for, which must be empty, or into SQLite in the folder; tracks
    and recordings into the object storage that is asked for, or the folder. Raises SurefootError, in one
    line, where the folder is not empty or the archive cannot be trusted.
    """
    with folder.claim_empty(path), unpacked(file, path) as (facts, source), claimed(path) as kept:
        url = link.asked_for()
        if url is not None:
            with catalogue.in_plain_words(path):
                postgres.fill(url, source.path)
        source.close()
        os.sync()
        for name in (folder.PACKS, folder.ORIGINALS):
            if kept == path and (source.path / name).exists():
                (source.path / name).rename(path / name)
            elif kept != path:
                for part in (source.path / name).rglob("*.*"):
                    move_in(part, kept / place_below(part, source.path))
        # What makes the folder a workspace comes last.
        if url is None:
            (source.path / folder.CATALOGUE).rename(path / folder.CATALOGUE)
        else:
            link.write(path, link.new(url))
        folder.sync_folder(path)
    # From here on the rows in the database have an owner.
    Workspace(path).close()
    return facts


@contextmanager
def unpacked(file: Path, path: Path) -> Iterator[tuple[dict[str, Any], Workspace]]:
    """What is in an archive, and the workspace in it, unpacked in the folder `path`, checked, up to date.

    Raises SurefootError, in one line, where the archive cannot be trusted.
    """
    place = folder.unpacking_place(path)
    try:
        facts = unseal(file, place, _WANTED, _OTHERS)
        if str(facts.get("revision")) > upgrade.HEAD:
            raise SurefootError(f"{file} was made by a newer Surefoot", "update Surefoot")
        inside = place / _INSIDE
        if not sqlite.is_sound(inside / folder.CATALOGUE):
            raise damaged(file, "its catalogue is none")
        # Opening sweeps packs that the catalogue does not name: what is there afterwards belongs to it.
        with Workspace(inside, in_folder=True) as source:
            _check(file, source)
            yield _say_facts(file, facts) | _count(source, inside), source
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _say_facts(file: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Those facts that the workspace itself does not say."""
    try:
        made_at = datetime.fromisoformat(facts["made_at"]).isoformat()
        return {"kind": str(facts["kind"]), "athlete": str(facts.get("athlete", "")), "made_at": made_at}
    except (KeyError, TypeError, ValueError):
        raise damaged(file, "its list does not say what it is") from None


def _check(file: Path, source: Workspace) -> None:
    """Raise SurefootError where rows cannot be read as their tables, or name what is not in the archive."""
    if not source.are_tables_sound():
        raise damaged(file, "its tables cannot be read")
    for pack in source.load_packs():
        for part in all_pack_files(
            source.path, pack["athlete_id"], pack["analysis_version"], pack["pack_id"]
        ):
            if not _WANTED.fullmatch(f"{_INSIDE}/{place_below(part, source.path)}") or not part.is_file():
                raise damaged(file, "the tracks of some runs are missing")
    if not source.load_files()["content_sha256"].str.contains(r"^[0-9a-f]{64}$").all():
        raise damaged(file, "the names of some contents are none")
