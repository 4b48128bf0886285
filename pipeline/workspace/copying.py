"""Rows from one catalogue into another, whatever databases they are in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from pipeline.errors import SurefootError
from pipeline.workspace import catalogue

_ROWS = 1000


def copy_rows(
    source: sa.Connection, target: sa.Connection, tables: Iterable[sa.Table], athlete_id: str | None = None
) -> None:
    """Copy the rows of these tables, of one athlete or of all, a thousand at a time.

    Raises SurefootError where a text cannot be kept by the other database.
    """
    for table in tables:
        query = sa.select(table).execution_options(yield_per=_ROWS)
        if athlete_id is not None:
            query = query.where(table.c.athlete_id == athlete_id)
        with source.execute(query) as rows:
            for part in rows.mappings().partitions():
                try:
                    target.execute(table.insert(), [dict(row) for row in part])
                except sa.exc.DataError as error:
                    raise SurefootError(
                        f"a row of the table {table.name} cannot be kept there ({error.orig})"
                    ) from None


def everything() -> list[sa.Table]:
    """All tables but what a catalogue says of itself, those that others refer to first."""
    return [table for table in catalogue.metadata.sorted_tables if table is not catalogue.meta]


@contextmanager
def new_sqlite(file: Path) -> Iterator[sa.Connection]:
    """A transaction that fills an empty file. Raises OSError where there is no room."""
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(file)))
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.OperationalError as error:
        if not isinstance(error.orig, sqlite3.Error):
            raise
        raise OSError(str(error.orig)) from None
    finally:
        engine.dispose()
