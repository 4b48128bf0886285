"""Between tables as types and tables on disk: rows to frames and back, by the declared schema."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Any, TypeVar, cast

import dataframely as dy
import polars as pl
import sqlalchemy as sa

from pipeline.columns import dtypes
from pipeline.tables import DataFrame

S = TypeVar("S", bound=dy.Schema)


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
    dialect = connection.dialect
    if dialect.name != "sqlite":
        connection.execute(table.insert(), to_rows(frame))
        return
    kept = _as_kept(frame).select(column.name for column in table.c if column.name in frame.columns)
    columns = []
    for name in kept.columns:
        to_database = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        values = kept[name].to_list()
        columns.append(values if to_database is None else map(to_database, values))
    statement = table.insert().compile(dialect=dialect, column_keys=kept.columns)
    connection.exec_driver_sql(str(statement), list(zip(*columns, strict=True)))


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
