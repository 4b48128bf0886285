"""The workspace's folder: what may be opened, who may write, and writes that are whole or absent."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pipeline.errors import Busy, SurefootError

CATALOGUE = "catalogue.sqlite"
LINK = "catalogue.url"
OBJECTS = "objects.url"
PACKS = "packs"
ORIGINALS = "originals"
LOCK = "writer.lock"
UPLOADS = "uploads"
WORKER_LOCK = "worker.lock"
COPY_PREFIX = "catalogue-"
_TEMPORARY = ".tmp"
_UNPACKED = "unpacked."
_IGNORE = ".gitignore"
_OWN = {CATALOGUE, f"{CATALOGUE}-wal", f"{CATALOGUE}-shm", LINK, OBJECTS, PACKS, ORIGINALS, LOCK, _IGNORE}
_POLL_S = 0.05


def check_readable(path: Path) -> None:
    """Raise SurefootError unless `path` holds a workspace that can be read."""
    if path.exists() and not path.is_dir():
        raise SurefootError(f"{path} is a file, not a workspace", "name a folder with --workspace")
    try:
        with (path / (LINK if (path / LINK).is_file() else CATALOGUE)).open("rb"):
            pass
    except FileNotFoundError:
        raise no_workspace(path) from None
    except OSError as error:
        raise SurefootError(
            f"the workspace {path} cannot be read ({error.strerror})", "check the folder's rights"
        ) from None


def is_workspace(path: Path) -> bool:
    """Whether the folder has a catalogue, or says which database has it."""
    return (path / CATALOGUE).is_file() or (path / LINK).is_file()


def may_write(path: Path) -> bool:
    """Whether this process may write in the folder."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def copies(path: Path) -> list[Path]:
    """The copies of the catalogue that upgrades left, half-written ones as well."""
    return list(path.glob(f"{COPY_PREFIX}*"))


def unpacking_place(path: Path) -> Path:
    """A new folder in the workspace for what is being unpacked; swept where it is left behind."""
    place = path / f"{_UNPACKED}{os.getpid()}{_TEMPORARY}"
    sweep_leftovers(path)
    place.mkdir(mode=0o700)
    return place


def sweep_leftovers(path: Path) -> None:
    """Remove what a killed upgrade or import left; hold the writer lock."""
    for copy in copies(path):
        if copy.suffix == _TEMPORARY:
            copy.unlink(missing_ok=True)
    for place in path.glob(f"{_UNPACKED}*{_TEMPORARY}"):
        shutil.rmtree(place, ignore_errors=True)


def no_workspace(path: Path) -> SurefootError:
    """What is said where a workspace to read is missing."""
    return SurefootError(f"there is no workspace at {path}", "`surefoot analyse` makes one")


def claim(path: Path) -> None:
    """Make `path` a folder that can hold a workspace, readable by its owner alone.

    Raises SurefootError where it is a file, holds anything else, or cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise SurefootError(f"{path} is a file, not a workspace", "name a folder with --workspace")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_workspace(path):
            _refuse_strangers(path)
            path.chmod(0o700)
            # A workspace holds where somebody runs: keep it out of the repository it may lie in.
            (path / _IGNORE).write_bytes(b"*\n")
        os.close(os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise _unwritable(path, error.strerror) from None


def _unwritable(path: Path, why: str | None) -> SurefootError:
    return SurefootError(
        f"the workspace {path} cannot be written ({why})", "check the folder's rights or choose another"
    )


@contextmanager
def claim_empty(path: Path) -> Iterator[None]:
    """Be the one writer of a new or an empty folder; where the block fails the folder is as it was.

    What a killed restore left there is removed. Raises SurefootError where the folder holds anything else.
    """
    is_new = not path.exists()
    if not is_new and path.is_dir():
        for entry in path.iterdir():
            if entry.name not in (LOCK, _IGNORE, OBJECTS) and not entry.name.startswith(_UNPACKED):
                raise SurefootError(f"{path} is not empty", "restore into a new or an empty folder")
    claim(path)
    descriptor = acquire_lock(path, wait_s=0)
    if descriptor is None:
        raise somebody_writes(path)
    try:
        yield
    except BaseException:
        for name in (LOCK, _IGNORE):
            (path / name).unlink(missing_ok=True)
        if is_new:
            path.rmdir()
        raise
    finally:
        os.close(descriptor)


def _refuse_strangers(path: Path) -> None:
    # Another process may be about to write the link, or was killed while it did.
    ours = (_UNPACKED, f"{LINK}.", f"{OBJECTS}.")
    if any(entry.name not in _OWN and not entry.name.startswith(ours) for entry in path.iterdir()):
        raise SurefootError(
            f"{path} is not a workspace and holds other files", "choose an empty or a new folder"
        )


def put_atomic(target: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a file that appears at `target` whole and on disk, or not at all.

    Raises SurefootError where the disk is full or cannot be written.
    """
    temporary = target.with_name(f"{target.name}.{os.getpid()}{_TEMPORARY}")
    try:
        _make_folder(target.parent)
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        sync_folder(target.parent)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if not isinstance(error, OSError):
            raise
        raise SurefootError(
            f"{target} could not be written ({error.strerror or error})",
            "make room on the disk or check the folder's rights, then run it again",
        ) from None


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Bring the folder's list of names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def acquire_lock(path: Path, wait_s: float, name: str = LOCK) -> int | None:
    """Hold the workspace's writer lock, or another one.

    Gives a descriptor that releases it when closed, or with the process; None where another
    process still holds it after `wait_s` seconds.
    """
    try:
        descriptor = os.open(path / name, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unwritable(path, error.strerror) from None
    deadline = time.monotonic() + wait_s
    while not _locked(descriptor):
        if time.monotonic() >= deadline:
            os.close(descriptor)
            return None
        time.sleep(_POLL_S)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def somebody_writes(path: Path) -> SurefootError:
    """What the second writer is told."""
    with suppress(OSError):
        return Busy(
            f"another process ({(path / LOCK).read_text().strip()}) is writing to the workspace {path}",
            "wait until it is done, or stop it, then try again",
        )
    return _unwritable(path, "its lock cannot be read")
