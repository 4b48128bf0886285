"""Opening a workspace, and the two ways to its catalogue: reading, and writing as the only one."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from pipeline.errors import Busy, SurefootError
from pipeline.workspace import catalogue, folder, kept, link, originals, packs, postgres, upgrade
from pipeline.workspace.postgres import Postgres
from pipeline.workspace.sqlite import Sqlite

_WAIT_S = 30.0


class Access:
    """A workspace at `path`: made where there is none, opened where there is one.

    Its catalogue is the SQLite in the folder, or the PostgreSQL that SUREFOOT_DATABASE names or the folder
    remembers. Packs and originals lie at `kept`: in the folder, or in the object storage that
    SUREFOOT_OBJECTS names or the folder remembers. With `in_folder` all is in the folder, whatever is named.
    A catalogue that an older Surefoot made is brought up to date first. That apart, nothing is made or
    changed with `read_only`. Raises SurefootError, in one line, where the folder is a file, holds something
    else, cannot be read or written, belongs to another database or other objects, or was made by a newer
    Surefoot. Any number of processes may read while one writes; what is saved is there whole or not at all,
    whatever kills the process.
    """

    def __init__(self, path: Path, *, read_only: bool = False, in_folder: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self._thread_lock = threading.RLock()
        self._lock_depth = 0
        if read_only:
            folder.check_readable(path)
        else:
            folder.claim(path)
        self.kept = path if in_folder else _kept(path, read_only=read_only)
        self._database = _database(path, read_only=read_only, in_folder=in_folder)
        self._engine = self._database.engine
        try:
            with catalogue.in_plain_words(path):
                found = upgrade.find_revision(self._engine, path)
                if found != upgrade.HEAD:
                    self._bring_up_to_date(found)
                self._database.claim(read_only=read_only)
            if not read_only:
                self._sweep()
        except BaseException:
            self.close()
            raise

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
        """Copy the catalogue into the empty file `target`, as SQLite, as it is at one moment.

        Others may write meanwhile. Raises SurefootError where it cannot be written.
        """
        folder.put_atomic(target, lambda file: self._database.copy_to(Path(file.name)))

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
            with nullcontext() if self._lock_depth else self._alone(wait_s):
                self._lock_depth += 1
                try:
                    yield
                finally:
                    self._lock_depth -= 1
        finally:
            self._thread_lock.release()

    @contextmanager
    def _alone(self, wait_s: float) -> Iterator[None]:
        """Be the one writer, first on this machine, then among all that share the database."""
        with _locked(self.path, wait_s), catalogue.in_plain_words(self.path), self._database.alone(wait_s):
            yield

    def state(self) -> Hashable:
        """Another value after the catalogue was written to; an empty one where there is none."""
        with catalogue.in_plain_words(self.path):
            return self._database.state()

    def _sweep(self) -> None:
        """Remove what a killed writer left behind, unless a writer is at work."""
        with suppress(Busy), self._alone(wait_s=0):
            with self._reading() as connection:
                known = set(connection.scalars(sa.select(catalogue.packs.c.pack_id)))
            packs.sweep_packs(self.kept, known)
            originals.sweep_originals(self.kept)
            folder.sweep_leftovers(self.path)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with catalogue.in_plain_words(self.path), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self.writer_lock(), catalogue.in_plain_words(self.path):
            self._database.check_alone()
            with self._noting() as connection:
                yield connection

    @contextmanager
    def _noting(self) -> Iterator[sa.Connection]:
        """Write beside an import, which holds the writer lock until it is done: for rows that are no data.

        Each query sees what others have committed by then.
        """
        engine = self._engine
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="READ COMMITTED")
        with catalogue.in_plain_words(self.path), engine.begin() as connection:
            yield connection


def _kept(path: Path, *, read_only: bool) -> kept.Kept:
    """Where packs and originals lie; of two processes the first decides for a new folder."""
    place = kept.find(path, is_new=not folder.is_workspace(path))
    if not read_only:
        with nullcontext() if place == path or kept.is_remembered(path) else _locked(path):
            kept.claim(path, place)
    return place


@contextmanager
def _locked(path: Path, wait_s: float = _WAIT_S) -> Iterator[None]:
    descriptor = folder.acquire_lock(path, wait_s)
    if descriptor is None:
        raise folder.somebody_writes(path)
    try:
        yield
    finally:
        os.close(descriptor)


def _database(path: Path, *, read_only: bool, in_folder: bool) -> Sqlite | Postgres:
    url = None if in_folder else link.find(path)
    if url is None:
        return Sqlite(path, read_only=read_only)
    return Postgres(path, url, link.read(path) or _link(path, url), read_only=read_only)


def _link(path: Path, url: sa.URL) -> link.Link:
    """Let a new folder and an empty database belong together; of two processes the first decides."""
    with _locked(path):
        known = link.read(path)
        if known is None:
            with catalogue.in_plain_words(path):
                postgres.claim_new(url, or_unowned=False)
            known = link.new(url)
            link.write(path, known)
        return known
