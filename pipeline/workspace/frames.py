"""Between tables as types and tables on disk: rows to frames and back, by the declared schema."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Any, TypeVar, cast

import dataframely as dy
import polars as pl

from pipeline.columns import dtypes
from pipeline.tables import DataFrame

S = TypeVar("S", bound=dy.Schema)


def to_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as the catalogue takes them: instants in UTC without a zone, which every database has, and nothing
    in the place of what is no number, of which SQLite makes nothing and PostgreSQL would not.
    """
    instants = pl.col(pl.Datetime("us", "UTC"))
    kept = frame.with_columns(instants.dt.replace_time_zone(None), pl.selectors.float().fill_nan(None))
    return kept.to_dicts()


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
