"""Opening a workspace, and the two ways to its catalogue: reading, and writing as the only one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from pipeline.errors import SurefootError
from pipeline.workspace import catalogue, folder, originals, packs, upgrade

_WAIT_S = 30.0


class Access:
    """A workspace at `path`: made where there is none, opened where there is one.

    One that an older Surefoot made is brought up to date first. That apart, nothing is made or changed with
    `read_only`. Raises SurefootError, in one line, where the folder is a file, holds something else, cannot
    be read or written, or was made by a newer Surefoot. Any number of processes may read while one writes;
    what is saved is there whole or not at all, whatever kills the process.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self._thread_lock = threading.RLock()
        self._lock_depth = 0
        if read_only:
            folder.check_readable(path)
        else:
            folder.claim(path)
        self._engine = catalogue.connect(path, read_only=read_only)
        with catalogue.in_plain_words(path):
            found = upgrade.find_revision(self._engine, path)
            if found != upgrade.HEAD:
                self._bring_up_to_date(found)
        if not read_only:
            self._sweep()

    def _bring_up_to_date(self, found: str | None) -> None:
        if not self.read_only:
            with self.writer_lock():
                upgrade.bring_up_to_date(self._engine, self.path)
        elif found is None:
            raise folder.no_workspace(self.path)
        elif folder.may_write(self.path):
            Access(self.path).close()
        else:
            raise SurefootError(
                f"the workspace {self.path} was made by an older Surefoot, and cannot be written to bring it"
                " up to date",
                "get the right to write it, or name a copy of it with --workspace",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the catalogue."""
        self._engine.dispose()

    def copy_catalogue(self, target: Path) -> None:
        """Copy the catalogue into the empty file `target` as it is at one moment, while others may write.

        Raises SurefootError where it cannot be written.
        """
        folder.put_atomic(target, lambda file: catalogue.copy_to(self._engine, Path(file.name)))

    @contextmanager
    def writer_lock(self, wait_s: float = _WAIT_S) -> Iterator[None]:
        """Be the one writer: hold it from the first pack or original to the commit. May be nested.

        Raises SurefootError where another process still writes after `wait_s` seconds.
        """
        if self.read_only:
            raise SurefootError(f"the workspace {self.path} is open for reading only")
        if not self._thread_lock.acquire(timeout=wait_s):
            raise folder.somebody_writes(self.path)
        try:
            descriptor = None if self._lock_depth else folder.acquire_lock(self.path, wait_s)
            if not self._lock_depth and descriptor is None:
                raise folder.somebody_writes(self.path)
            self._lock_depth += 1
            try:
                yield
            finally:
                self._lock_depth -= 1
                if descriptor is not None:
                    os.close(descriptor)
        finally:
            self._thread_lock.release()

    def _sweep(self) -> None:
        """Remove what a killed writer left behind, unless a writer is at work."""
        descriptor = folder.acquire_lock(self.path, wait_s=0)
        if descriptor is None:
            return
        try:
            with self._reading() as connection:
                known = set(connection.scalars(sa.select(catalogue.packs.c.pack_id)))
            packs.sweep_packs(self.path, known)
            originals.sweep_originals(self.path)
            folder.sweep_leftovers(self.path)
        finally:
            os.close(descriptor)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with catalogue.in_plain_words(self.path), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self.writer_lock(), catalogue.in_plain_words(self.path), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _noting(self) -> Iterator[sa.Connection]:
        """Write beside an import, which holds the writer lock until it is done: for rows that are no data."""
        with catalogue.in_plain_words(self.path), self._engine.begin() as connection:
            yield connection
