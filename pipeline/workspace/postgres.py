"""PostgreSQL, by a URL: what a workspace needs beside SQL itself. See docs/decisions/0017."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline.errors import Busy, SurefootError
from pipeline.workspace import catalogue, link, upgrade
from pipeline.workspace.copying import copy_rows, everything, new_sqlite
from pipeline.workspace.sqlite import Sqlite, traces_remain

_POLL_S = 0.05
_PIECE_BYTES = 2**20
_CONNECT_TIMEOUT_S = 10
_READERS_WAIT_S = 5.0
_OWNER = "workspace"
"""The key in the table `meta` under which the id of the folder is kept that the tables belong to."""


class Postgres:
    """The catalogue of `workspace` in the database at `url`. Connects to nothing yet."""

    def __init__(self, workspace: Path, url: sa.URL, known: link.Link, *, read_only: bool) -> None:
        self._workspace = workspace
        self._url = url
        self._known = known
        self._turn: sa.Connection | None = None
        self.engine = connect(url, read_only=read_only)

    def claim(self, *, read_only: bool) -> None:
        """See that folder and tables belong together, and remember so where that is new.

        Tables without an owner are those of this folder's restore that was cut short. Raises SurefootError
        where the tables belong to another folder.
        """
        known = self._known
        with self.engine.connect() as connection:
            owner = _owner(connection)
        if owner not in (None, known.workspace_id):
            raise SurefootError(
                f"the database {link.say(self._url)} holds the catalogue of another workspace than"
                f" {self._workspace}",
                "name the folder that belongs to it with --workspace, or an empty database",
            )
        if read_only:
            return
        if owner is None:
            with self.engine.begin() as connection:
                connection.execute(catalogue.meta.insert().values(key=_OWNER, value=known.workspace_id))
        if known.url != link.without_password(self._url):
            self._known = link.Link(self._url, known.workspace_id)
            link.write(self._workspace, self._known)

    @contextmanager
    def alone(self, wait_s: float) -> Iterator[None]:
        """Be the one writer among all machines. Raises Busy where another still writes after `wait_s`."""
        key = int.from_bytes(bytes.fromhex(self._known.workspace_id)[:8], signed=True)
        with self.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            deadline = time.monotonic() + wait_s
            while not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key))):
                if time.monotonic() >= deadline:
                    raise Busy(
                        f"another machine is writing to the workspace {self._workspace}",
                        "wait until it is done, or stop it, then try again",
                    )
                time.sleep(_POLL_S)
            self._turn = connection
            try:
                yield
            finally:
                self._turn = None
                # Where the server has ended the connection the lock is gone with it.
                with suppress(sa.exc.SQLAlchemyError):
                    connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))

    def check_alone(self) -> None:
        """Raise a database error where the connection that holds the lock has ended."""
        if self._turn is not None:
            self._turn.execute(sa.select(1))

    def state(self) -> Hashable:
        """What can be seen of the database: another value after anybody's commit."""
        with self.engine.connect() as connection:
            return str(connection.scalar(sa.text("SELECT pg_current_snapshot()::text")))

    def copy_to(self, target: Path) -> None:
        """Copy the catalogue as it is at one moment into the empty file `target`, as SQLite."""
        with self.engine.connect() as connection, new_sqlite(target) as copy:
            upgrade.make_tables(copy)
            copy_rows(connection, copy, everything())

    def contents(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Every row of every table, and what the server has counted of their columns, by name, in pieces."""
        counted = "SELECT tablename, attname, most_common_vals::text, histogram_bounds::text FROM pg_stats"
        everything = {table.name: table.name for table in catalogue.metadata.sorted_tables}
        everything["pg_stats"] = f"({counted} WHERE schemaname = current_schema())"
        with self.engine.connect() as connection:
            cursor = connection.connection.cursor()
            try:
                for name, rows in everything.items():
                    with cursor.copy(f"COPY {rows} TO STDOUT (FORMAT BINARY)") as copied:
                        yield name, _pieces(copied)
            except self.engine.dialect.loaded_dbapi.Error as error:
                raise SurefootError(f"the tables cannot be searched ({error})", "run it again") from None

    def scrub(self) -> None:
        """Take the bytes of deleted rows out of the tables' files, and what was counted of them.

        Raises SurefootError where a reader holds them. A column's most common values are kept for the
        planner; of a table that is empty they are not counted again, and go when a column's type is set.
        """
        with self.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            self._wait_for_readers(connection)
            connection.execute(sa.text(f"SET lock_timeout = '{_READERS_WAIT_S:g}s'"))
            try:
                names = [catalogue.metadata.tables[name] for name in sorted(catalogue.metadata.tables)]
                connection.execute(sa.text(f"VACUUM (FULL, ANALYZE) {', '.join(t.name for t in names)}"))
                for table in catalogue.metadata.sorted_tables:
                    if connection.scalar(sa.select(sa.literal(1)).select_from(table).limit(1)) is None:
                        connection.execute(sa.text(_set_types(table, connection.dialect)))
                connection.execute(sa.text("VACUUM (FULL) pg_catalog.pg_statistic"))
            except sa.exc.OperationalError as error:
                if getattr(error.orig, "sqlstate", "") == "55P03":
                    raise traces_remain(self._workspace) from None
                raise
            finally:
                connection.invalidate()

    def _wait_for_readers(self, connection: sa.Connection) -> None:
        """Wait for transactions that may still see what was deleted: VACUUM would keep it for them."""
        now = connection.scalar(sa.text("SELECT pg_current_xact_id()::xid::text"))
        deadline = time.monotonic() + _READERS_WAIT_S
        while connection.scalar(_OLDER, {"now": now}):
            if time.monotonic() >= deadline:
                raise traces_remain(self._workspace)
            time.sleep(_POLL_S)


_OLDER = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND age(backend_xmin) >= age(CAST(CAST(:now AS text) AS xid))"
)


def _set_types(table: sa.Table, dialect: sa.Dialect) -> str:
    def type_of(column: sa.Column[Any]) -> str:
        return dialect.type_compiler_instance.process(column.type)

    columns = ", ".join(f'ALTER COLUMN "{c.name}" TYPE {type_of(c)}' for c in table.c)
    return f"ALTER TABLE {table.name} {columns}"


def _pieces(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, a megabyte at a time."""
    waiting = bytearray()
    for block in blocks:
        waiting += block
        if len(waiting) >= _PIECE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def connect(url: sa.URL, *, read_only: bool) -> sa.Engine:
    """Every transaction sees the database as it was at its first query, as with SQLite.

    Raises SurefootError where the library that speaks to PostgreSQL is missing.
    """
    try:
        return sa.create_engine(
            url,
            isolation_level="REPEATABLE READ",
            # A connection that the server has ended meanwhile is replaced, not used.
            pool_pre_ping=True,
            connect_args={"connect_timeout": _CONNECT_TIMEOUT_S, "application_name": "surefoot"},
            execution_options={"postgresql_readonly": read_only},
        )
    except ModuleNotFoundError:
        raise SurefootError(
            "a PostgreSQL database needs the library psycopg", "install Surefoot with its extra `hosted`"
        ) from None


def _owner(connection: sa.Connection) -> str | None:
    owner = sa.select(catalogue.meta.c.value).where(catalogue.meta.c.key == _OWNER)
    return connection.scalar(owner)


def claim_new(url: sa.URL, *, or_unowned: bool) -> bool:
    """Whether the database holds tables of a restore that was cut short, which only `or_unowned` allows.

    Raises SurefootError where it holds a workspace.
    """
    engine = connect(url, read_only=True)
    try:
        with engine.connect() as connection:
            here: Sequence[str] = sa.inspect(connection).get_table_names()
            ours = set(here) & {*catalogue.metadata.tables, "alembic_version"}
            is_left = catalogue.meta.name in ours and _owner(connection) is None
    finally:
        engine.dispose()
    if ours and not (or_unowned and is_left):
        raise SurefootError(
            f"the database {link.say(url)} holds "
            + ("what a restore left that was cut short" if is_left else "a workspace already"),
            "run that restore again" if is_left else "name an empty one",
        )
    return bool(ours)


def fill(url: sa.URL, source: Path) -> None:
    """Put the rows of the SQLite catalogue in the folder `source` into a database, all or none.

    They have no owner yet: a folder that remembers the database takes them. Raises SurefootError where it
    holds a workspace.
    """
    is_left = claim_new(url, or_unowned=True)
    engine, rows = connect(url, read_only=False), Sqlite(source, read_only=True).engine
    try:
        with rows.connect() as old, engine.begin() as connection:
            if is_left:
                upgrade.drop_tables(connection)
            upgrade.make_tables(connection)
            copy_rows(old, connection, everything())
        # Without counts of its rows the planner takes a table for an empty one.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ANALYZE"))
    finally:
        engine.dispose()
        rows.dispose()
