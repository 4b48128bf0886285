"""Which revision a catalogue has, and the way from an older one to this Surefoot's.

The steps are Alembic's, in `migrations`; docs/decisions/0009 says how to add one. Alembic itself is
imported only where there is a step to take: it costs a quarter of a second.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline.errors import SurefootError
from pipeline.workspace import catalogue, sqlite
from pipeline.workspace.copying import copy_rows, new_sqlite
from pipeline.workspace.folder import COPY_PREFIX, copies, put_atomic

_MIGRATIONS = Path(__file__).parent / "migrations"
REVISIONS = sorted(file.name[:4] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
HEAD = REVISIONS[-1]

# What the first workspaces say of themselves, which were made before Alembic kept the version.
_BASELINE = {"schema_version": "1", "shape": "315ebfec75a719b0"}

_version = sa.Table(
    "alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True)
)


def find_revision(engine: sa.Engine, workspace: Path) -> str | None:
    """The catalogue's revision; None for one without tables, whose making was cut short.

    Raises SurefootError where this Surefoot does not know the revision.
    """
    with engine.connect() as connection:
        tables = sa.inspect(connection)
        if tables.has_table(_version.name):
            found = connection.scalar(sa.select(_version.c.version_num)) or ""
        elif tables.has_table(catalogue.meta.name):
            values = {row.key: row.value for row in connection.execute(sa.select(catalogue.meta))}
            found = REVISIONS[0] if values == _BASELINE else ""
        else:
            return None
    if found in REVISIONS:
        return found
    if found > HEAD:
        raise SurefootError(
            f"the workspace {workspace} was made by a newer Surefoot (revision {found}, this one knows"
            f" {HEAD})",
            "update Surefoot or choose another workspace",
        )
    raise SurefootError(
        f"the workspace {workspace} was made by a version of Surefoot that never was released",
        "analyse the files again in a new workspace",
    )


def bring_up_to_date(engine: sa.Engine, workspace: Path) -> None:
    """Make the tables, or take the steps from an older revision, all or none; hold the writer lock.

    The older catalogue stays in the folder as a copy, of PostgreSQL in SQLite as well, until the next upgrade
    has succeeded. Raises SurefootError where there is no room.
    """
    found = find_revision(engine, workspace)
    if found is None:
        with engine.begin() as connection:
            make_tables(connection)
    elif found != HEAD:
        copy = workspace / f"{COPY_PREFIX}{found}.sqlite"
        put_atomic(copy, lambda file: _copy(engine, found, Path(file.name)))
        _migrate(engine)
        for older in copies(workspace):
            if older != copy:
                older.unlink()


def _copy(engine: sa.Engine, found: str, target: Path) -> None:
    if engine.dialect.name == "sqlite":
        sqlite.copy_to(engine, target)
        return
    with engine.connect() as source, new_sqlite(target) as copy:
        # Today's code does not know the older tables: the steps make them, and the file says what they are.
        _take_steps(copy, found)
        tables = sa.MetaData()
        sa.event.listen(tables, "column_reflect", _as_any_database_has_it)
        tables.reflect(copy)
        told_by_steps = (_version.name, catalogue.meta.name)
        copy_rows(source, copy, [table for table in tables.sorted_tables if table.name not in told_by_steps])


def _as_any_database_has_it(_inspector: object, _table: object, column: dict[str, Any]) -> None:
    column["type"] = column["type"].as_generic()


def make_tables(connection: sa.Connection) -> None:
    """Make all tables, as of this Surefoot, where there are none."""
    for statement in _making(f"{connection.dialect.name}+{connection.dialect.driver}"):
        connection.exec_driver_sql(statement)
    connection.execute(catalogue.meta.insert().values(key="schema_version", value="2"))
    _stamp(connection, HEAD)


@cache
def _making(database: str) -> list[str]:
    """The statements that make all tables, put together once a process."""
    said: list[str] = []

    def write_down(made: sa.schema.ExecutableDDLElement, *_: object, **__: object) -> None:
        said.append(str(made.compile(dialect=engine.dialect)))

    engine = sa.create_mock_engine(f"{database}://", write_down)
    catalogue.metadata.create_all(engine, checkfirst=False)
    return said


def drop_tables(connection: sa.Connection) -> None:
    """Remove all tables and what is in them."""
    catalogue.metadata.drop_all(connection)
    _version.drop(connection)


def _stamp(connection: sa.Connection, revision: str) -> None:
    _version.create(connection, checkfirst=False)
    connection.execute(_version.insert().values(version_num=revision))


def _take_steps(connection: sa.Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _migrate(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        # To change a table some steps drop it and make it anew, which would take the rows along that
        # name it; SQLite lets this be turned off only outside a transaction.
        if engine.dialect.name == "sqlite":
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF").close()
        with connection.begin():
            if not sa.inspect(connection).has_table(_version.name):
                _stamp(connection, REVISIONS[0])
            _take_steps(connection, HEAD)
        connection.invalidate()
