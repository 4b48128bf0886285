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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import polars as pl

from pipeline.errors import SurefootError
from pipeline.workspace import catalogue, folder, upgrade
from pipeline.workspace.logbook import Logbook
from pipeline.workspace.originals import original_file
from pipeline.workspace.packs import all_pack_files
from pipeline.workspace.sealed import Sealer, damaged, unseal

_INSIDE = "workspace"
_WANTED = re.compile(
    rf"{_INSIDE}/(catalogue\.sqlite|packs/v\d{{1,9}}/[0-9a-f]{{16}}/[0-9a-f]{{32}}\.[a-z]{{1,16}}\.parquet"
    r"|originals/[0-9a-f]{2}/[0-9a-f]{64}\.gz)"
)
_OTHERS = re.compile(r"README\.txt|tables/[a-z_]{1,40}\.(csv|parquet)")


class Replaced(Exception):
    """A pack or an original was removed after the catalogue that names it had been copied."""


def save_backup(path: Path, out: Path) -> dict[str, Any]:
    """Write the workspace at `path` into one file, whole or not at all; gives what is in it.

    Raises SurefootError where there is no workspace, or `out` cannot be written.
    """
    check_out(path, out)
    try:
        return _save_backup(path, out, alone=False)
    except Replaced:
        return _save_backup(path, out, alone=True)


def _save_backup(path: Path, out: Path, *, alone: bool) -> dict[str, Any]:
    with (
        Logbook(path, read_only=not alone) as workspace,
        workspace.writer_lock() if alone else nullcontext(),
        place_beside(out) as place,
    ):
        workspace.copy_catalogue(place / folder.CATALOGUE)
        with Logbook(place, read_only=True) as snapshot:
            return seal(out, snapshot, path, {"kind": "workspace"}, {})


def check_out(path: Path, out: Path) -> None:
    """Raise SurefootError where an archive cannot go: into no folder, or into the workspace itself."""
    if not out.parent.is_dir():
        raise SurefootError(f"there is no folder {out.parent}", "make it first, or name another file")
    if path.resolve() in out.resolve().parents:
        raise SurefootError(f"{out} lies in the workspace itself", "name a file outside of it")


@contextmanager
def place_beside(out: Path) -> Iterator[Path]:
    """A folder for what goes into `out`, removed afterwards; private, and on a disk that has the room."""
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f"{out.name}.", suffix=".tmp") as place:
            yield Path(place)
    except OSError as error:
        raise SurefootError(
            f"{out} could not be written ({error.strerror or error})",
            "make room on the disk or check the folder's rights, then run it again",
        ) from None


def seal(
    out: Path, snapshot: Logbook, source: Path, facts: Mapping[str, Any], others: Mapping[str, Path]
) -> dict[str, Any]:
    """Write the catalogue of `snapshot`, the packs and originals of `source` that it names, and `others`.

    Gives `facts` with what is in the archive. Raises Replaced where something named is not there any more.
    """
    originals, missing = _originals(snapshot, source)
    facts = {
        **facts,
        "surefoot": version("surefoot"),
        "revision": upgrade.HEAD,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "athletes": snapshot.athletes(),
        "runs": snapshot.counts()["runs"],
        "sessions": snapshot.load_balance_sessions().height,
        "originals": len(originals),
        "originals_missing": missing,
    }

    def write(file: IO[bytes]) -> None:
        os.fchmod(file.fileno(), 0o600)
        with Sealer(file) as sealer:
            for name, path in others.items():
                sealer.add_file(name, path)
            sealer.add_file(f"{_INSIDE}/{folder.CATALOGUE}", snapshot.path / folder.CATALOGUE)
            try:
                for path in (*_packs(snapshot, source), *originals):
                    sealer.add_file(f"{_INSIDE}/{path.relative_to(source).as_posix()}", path)
            except FileNotFoundError:
                raise Replaced from None
            sealer.finish(facts)

    folder.put_atomic(out, write)
    return facts


def _packs(snapshot: Logbook, source: Path) -> Iterator[Path]:
    for pack in snapshot.load_packs():
        yield from all_pack_files(source, pack["athlete_id"], pack["analysis_version"], pack["pack_id"])


def _originals(snapshot: Logbook, source: Path) -> tuple[list[Path], int]:
    """The originals that are kept, and of how many recordings none is."""
    recordings = snapshot.load_files().filter(pl.col("status").is_in(["run", "duplicate"]))
    places = [original_file(source, sha) for sha in recordings["content_sha256"].unique(maintain_order=True)]
    kept = [place for place in places if place.is_file()]
    return kept, len(places) - len(kept)


def restore_backup(file: Path, path: Path) -> dict[str, Any]:
    """Unpack a backup into a new or an empty folder, whole or not at all; gives what is in it.

    Raises SurefootError, in one line, where the folder is not empty or the archive cannot be trusted.
    """
    with folder.claim_empty(path), unpacked(file, path) as (facts, source):
        source.close()
        os.sync()
        # The catalogue comes last: without it the folder is no workspace.
        for name in (folder.PACKS, folder.ORIGINALS, folder.CATALOGUE):
            if (source.path / name).exists():
                (source.path / name).rename(path / name)
        folder.sync_folder(path)
    return facts


@contextmanager
def unpacked(file: Path, path: Path) -> Iterator[tuple[dict[str, Any], Logbook]]:
    """What is in an archive, and the workspace in it, unpacked in the folder `path`, checked, up to date.

    Raises SurefootError, in one line, where the archive cannot be trusted.
    """
    place = folder.unpacking_place(path)
    try:
        facts = unseal(file, place, _WANTED, _OTHERS)
        if str(facts.get("revision")) > upgrade.HEAD:
            raise SurefootError(f"{file} was made by a newer Surefoot", "update Surefoot")
        inside = place / _INSIDE
        if not catalogue.is_sound(inside / folder.CATALOGUE):
            raise damaged(file, "its catalogue is none")
        # Opening sweeps packs that the catalogue does not name: what is there afterwards belongs to it.
        with Logbook(inside) as source:
            _check(file, source)
            yield facts, source
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _check(file: Path, source: Logbook) -> None:
    """Raise SurefootError where rows cannot be read as their tables, or name what is not in the archive."""
    if not source.are_tables_sound():
        raise damaged(file, "its tables cannot be read")
    for pack in source.load_packs():
        for part in all_pack_files(
            source.path, pack["athlete_id"], pack["analysis_version"], pack["pack_id"]
        ):
            if not _WANTED.fullmatch(f"{_INSIDE}/{part.relative_to(source.path)}") or not part.is_file():
                raise damaged(file, "the tracks of some runs are missing")
    if not source.load_files()["content_sha256"].str.contains(r"^[0-9a-f]{64}$").all():
        raise damaged(file, "the names of some contents are none")
