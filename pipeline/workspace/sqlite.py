"""SQLite, in a file of the workspace's folder: what a workspace needs beside SQL itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from pipeline.errors import SurefootError
from pipeline.workspace.folder import CATALOGUE, may_write

_FILES = (CATALOGUE, f"{CATALOGUE}-wal")
_COMPILED = sa.util.LRUCache[Any, Any](500)


class Sqlite:
    """The catalogue in the folder of `workspace`. Connects to nothing yet."""

    def __init__(self, workspace: Path, *, read_only: bool) -> None:
        self._workspace = workspace
        file = workspace.resolve() / CATALOGUE
        if not read_only:
            url = sa.URL.create("sqlite", database=str(file))
        else:
            query = {"mode": "ro", "uri": "true"}
            # WAL shares memory through a file beside the catalogue, even to read; where none can be made,
            # nobody can be writing either.
            if not may_write(workspace) and not (workspace / f"{CATALOGUE}-wal").exists():
                query["immutable"] = "1"
            url = sa.URL.create("sqlite", database=f"file:{quote(str(file))}", query=query)
        self.engine = sa.create_engine(url, connect_args={"timeout": 30})
        _tune(self.engine, read_only)
        _share_statements(self.engine)

    def claim(self, *, read_only: bool) -> None:
        """Nothing to do: the catalogue lies in the folder that it belongs to."""

    def alone(self, wait_s: float) -> AbstractContextManager[None]:
        """Be the one writer: the lock in the folder says so."""
        return nullcontext()

    def check_alone(self) -> None:
        """Nothing to do: the lock in the folder ends with the process."""

    def state(self) -> Hashable:
        """Another value after the catalogue was written to; nothing where there is none."""
        stats = [file.stat() for name in _FILES if (file := self._workspace / name).exists()]
        return tuple((stat.st_mtime_ns, stat.st_size) for stat in stats)

    def copy_to(self, target: Path) -> None:
        """Copy the catalogue as it is at one moment into the empty file `target`, while others may write.

        Raises OSError where that cannot be done.
        """
        copy_to(self.engine, target)

    def contents(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Nothing: all rows are in files of the folder."""
        return iter(())

    def scrub(self) -> None:
        """Take the bytes of deleted rows off the disk. Raises SurefootError where a reader holds them."""
        connection = self.engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA busy_timeout=1000").close()
            connection.cursor().execute("VACUUM").close()
            busy, *_ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.invalidate()
        if busy:
            raise traces_remain(self._workspace)


def copy_to(engine: sa.Engine, target: Path) -> None:
    """See Sqlite.copy_to."""
    try:
        with closing(engine.raw_connection()) as old, closing(sqlite3.connect(target)) as new:
            old.cursor().connection.backup(new)
    except sqlite3.Error as error:
        raise OSError(str(error)) from None


def traces_remain(workspace: Path) -> SurefootError:
    """What is said where a reader holds deleted rows."""
    return SurefootError(
        f"traces remain in {workspace} while another process reads it",
        "close the dashboard, then forget the athlete once more",
    )


def is_sound(file: Path) -> bool:
    """Whether a catalogue that came from elsewhere is a whole database of plain tables and nothing else."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema=OFF")
            parts = connection.execute("SELECT type, coalesce(sql, '') FROM sqlite_schema").fetchall()
            plain = all(
                kind in ("table", "index") and not sql.upper().startswith("CREATE VIRTUAL")
                for kind, sql in parts
            )
            return plain and connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    except sqlite3.Error:
        return False


def _share_statements(engine: sa.Engine) -> None:
    """Let statements be compiled once in a process, not once in every workspace that it opens: 20 ms of an
    import, a quarter of opening one to write.
    """
    engine.dialect = _dialect()
    engine.update_execution_options(compiled_cache=_COMPILED)


@cache
def _dialect() -> sa.Dialect:
    """What statements are compiled for: one that has met the library."""
    engine = sa.create_engine("sqlite://")
    engine.connect().close()
    engine.dispose()
    return engine.dialect


def _tune(engine: sa.Engine, read_only: bool) -> None:
    pragmas = ["busy_timeout=30000", "foreign_keys=ON", "secure_delete=ON"]
    if not read_only:
        pragmas += ["journal_mode=WAL", "synchronous=NORMAL"]

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # The driver's own way of opening transactions leaves reads outside them: say BEGIN ourselves.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")
