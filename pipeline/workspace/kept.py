"""Where packs and originals lie: in the workspace's folder, or in object storage, where `objects.url` says.

Either way a file appears whole or not at all and never changes, and counts once the catalogue names it. The
folder and the objects have a number in common, so that neither is taken for another's: what no catalogue
names is swept.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

from pipeline.errors import SurefootError
from pipeline.objects import ObjectPlace, is_url, local_path
from pipeline.workspace import folder

VARIABLE = "SUREFOOT_OBJECTS"
_OWNER = "surefoot.json"

Kept = Path | ObjectPlace
"""A place for packs and originals, or one of these."""


def put(target: Kept, content: bytes) -> None:
    """Let a file appear whole. Raises SurefootError where the disk or the storage does not take it."""
    if isinstance(target, Path):
        folder.put_atomic(target, lambda file: file.write(content))
    else:
        target.write_bytes(content)


def move_in(file: Kept, target: Kept) -> None:
    """Take over a file of the same disk, or a copy of it; `os.sync` makes it last on a disk."""
    if isinstance(file, Path) and isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
    else:
        target.write_bytes(file.read_bytes())


def remove(file: Kept) -> None:
    """Remove a file where there is one, and on a disk the two folders that this may empty."""
    file.unlink(missing_ok=True)
    if isinstance(file, Path):
        with suppress(OSError):
            file.parent.rmdir()
            file.parent.parent.rmdir()


def files_below(place: Kept, folders: int) -> Iterator[Kept]:
    """Every file below a place, between which so many folders lie."""
    if isinstance(place, Path):
        yield from place.glob(f"{'*/' * folders}*")
    else:
        yield from place.walk()


def place_below(file: Kept, place: Kept) -> str:
    """The name of a file below a place."""
    return str(file).removeprefix(f"{place}/")


def seekable(file: Kept) -> Path | BytesIO:
    """What a reader of Parquet can jump about in: a pack in object storage comes whole, in one request."""
    return file if isinstance(file, Path) else file.open("rb")


def find(workspace: Path, *, is_new: bool) -> Kept:
    """Where the packs and originals of a workspace lie.

    What SUREFOOT_OBJECTS asks for goes before what the folder remembers: a storage may have moved. Raises
    SurefootError where the folder keeps them itself and another place is asked for.
    """
    asked, known = _asked_for(), _read(workspace)
    if asked is not None and known is None and not is_new:
        raise SurefootError(
            f"the workspace {workspace} keeps its tracks and recordings in its folder, and object storage is"
            " asked for",
            "`surefoot backup` and `surefoot restore` move them there; to use it as it is, leave --objects"
            f" and {VARIABLE} out",
        )
    return asked or (workspace if known is None else known[0])


def claim(workspace: Path, place: Kept) -> None:
    """See that folder and objects belong together; of a new workspace both remember so, under its lock.

    Raises SurefootError where something else is there, or the storage keeps what is removed.
    """
    if isinstance(place, Path):
        return
    known = _read(workspace)
    number = secrets.token_hex(16) if known is None else known[1]
    owner = None if known is None else _owner(place)
    if owner is None:
        _check_empty(place)
    elif owner != number:
        raise SurefootError(
            f"{place} holds the tracks and recordings of another workspace than {workspace}",
            "name the folder that belongs to them with --workspace, or another place with --objects",
        )
    said = json.dumps({"url": place.url, "workspace": number}).encode()
    if known is None or known[0] != place:
        put(workspace / folder.OBJECTS, said)
    if owner is None:
        put(place / _OWNER, said)


@contextmanager
def claimed(workspace: Path) -> Iterator[Kept]:
    """Where a restore puts packs and originals: empty, and where the block fails empty again."""
    place = find(workspace, is_new=True)
    claim(workspace, place)
    if isinstance(place, Path):
        yield place
        return
    try:
        for left in place.walk():
            if left != place / _OWNER:
                left.unlink(missing_ok=True)
        yield place
    except BaseException:
        (workspace / folder.OBJECTS).unlink()
        with suppress(SurefootError):
            for file in place.walk():
                file.unlink(missing_ok=True)
        raise


def is_remembered(workspace: Path) -> bool:
    """Whether the folder says where its packs and originals lie."""
    return (workspace / folder.OBJECTS).is_file()


def check_no_versions(place: Kept) -> None:
    """Raise SurefootError where the storage keeps what is removed: forgetting would not be."""
    if isinstance(place, ObjectPlace) and place.keeps_versions():
        raise SurefootError(
            f"{place} lies in a bucket that keeps older versions of its objects, which forgetting cannot"
            " remove",
            "turn that off and remove the older versions, or name another bucket",
        )


def _asked_for() -> ObjectPlace | None:
    given = os.environ.get(VARIABLE, "").rstrip("/")
    if not given:
        return None
    if not is_url(given) or local_path(given) is not None:
        raise SurefootError(
            f"{given} is no URL of object storage", f"give {VARIABLE} or --objects as s3://bucket/folder"
        )
    return ObjectPlace(given)


def _read(workspace: Path) -> tuple[ObjectPlace, str] | None:
    """The place that the folder remembers, and the number of the workspace."""
    file = workspace / folder.OBJECTS
    try:
        said = json.loads(file.read_bytes())
        return ObjectPlace(str(said["url"])), str(said["workspace"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SurefootError(f"{file} cannot be read ({error.strerror})", "check its rights") from None
    except (ValueError, KeyError, TypeError):
        raise SurefootError(
            f"{file} does not say where the tracks and recordings lie", "restore a backup of the workspace"
        ) from None


def _owner(place: ObjectPlace) -> str | None:
    """The number of the workspace whose objects lie there; None where nobody has said so."""
    try:
        return str(json.loads((place / _OWNER).read_bytes())["workspace"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return ""


def _check_empty(place: ObjectPlace) -> None:
    check_no_versions(place)
    if place.walk():
        raise SurefootError(f"{place} is not empty", "name a place with --objects that holds nothing")
