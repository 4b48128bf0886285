"""Between tables as types and tables on disk: rows to frames and back, by the declared schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from functools import cache
from typing import Any, TypeVar, cast

import dataframely as dy
import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from pipeline.columns import dtypes
from pipeline.tables import DataFrame

S = TypeVar("S", bound=dy.Schema)

_SQLITE = sqlite.dialect()


def to_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as the catalogue takes them: instants in UTC without a zone, which every database has, and nothing
    in the place of what is no number, of which SQLite makes nothing and PostgreSQL would not.
    """
    return _as_kept(frame).to_dicts()


def _as_kept(frame: pl.DataFrame) -> pl.DataFrame:
    instants = pl.col(pl.Datetime("us", "UTC"))
    return frame.with_columns(instants.dt.replace_time_zone(None), pl.selectors.float().fill_nan(None))


def insert(connection: sa.Connection, table: sa.Table, frame: pl.DataFrame) -> None:
    """Add the rows of a frame to a table of the catalogue.

    SQLite takes them column by column: a dict a row would cost more than the row.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(table.insert(), to_rows(frame))
        return
    kept = _as_kept(frame)
    names = tuple(column.name for column in table.c if column.name in kept.columns)
    statement, processors = _insertion(table, names)
    columns = []
    for name, to_database in zip(names, processors, strict=True):
        values = kept[name].to_list()
        columns.append(values if to_database is None else map(to_database, values))
    connection.exec_driver_sql(statement, list(zip(*columns, strict=True)))


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows of the same columns to a table of the catalogue, as `to_row` gives them."""
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        connection.execute(table.insert(), rows)
        return
    names = tuple(column.name for column in table.c if column.name in rows[0])
    statement, processors = _insertion(table, names)
    to_database = list(zip(names, processors, strict=True))
    values = [
        tuple(row[name] if process is None else process(row[name]) for name, process in to_database)
        for row in rows
    ]
    connection.exec_driver_sql(statement, values)


@cache
def _insertion(table: sa.Table, names: tuple[str, ...]) -> tuple[str, Sequence[Callable[[Any], Any] | None]]:
    """The statement that adds a row to a table of SQLite, and what a value of each column goes through."""
    types = [table.c[name].type.dialect_impl(_SQLITE) for name in names]
    processors = [dtype.bind_processor(_SQLITE) for dtype in types]
    return str(table.insert().compile(dialect=_SQLITE, column_keys=list(names))), processors


def to_row(values: dict[str, Any]) -> dict[str, Any]:
    """One row, given as Python values, as the catalogue takes it."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if hasattr(value, "astimezone"):
        return value.astimezone(UTC).replace(tzinfo=None)
    return None if value != value else value


def to_frame(schema: type[S], rows: Iterable[tuple[Any, ...]]) -> DataFrame[S]:
    """Rows of the catalogue, in the declared order of columns, as a table of `schema`.

    Trusted, not checked again: what lies in the catalogue was checked on its way in.
    """
    types = dtypes(schema)
    columns = list(zip(*rows, strict=True)) or [()] * len(types)
    series = []
    for (name, dtype), values in zip(types.items(), columns, strict=True):
        if isinstance(dtype, pl.Datetime):
            naive = pl.Series(name, values, dtype=pl.Datetime(dtype.time_unit))
            series.append(naive.dt.replace_time_zone(dtype.time_zone))
        else:
            series.append(pl.Series(name, values, dtype=dtype))
    return cast(DataFrame[S], pl.DataFrame(series))
