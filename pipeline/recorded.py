"""The record messages of a recording, in file order: as the table that readers give, or as plain arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from pipeline.columns import numbers_of
from pipeline.numeric import Array
from pipeline.tables import Records

_INSTANT = pl.Datetime("us", "UTC")
_CORE = tuple(Records.column_names()[1:])
_NUMBERS_AT_ONCE = 50_000
"""So many become columns together: a series costs as much as some thousand numbers."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Records as arrays of one entry each, NaN where missing: seconds since 1970, and numbers by column.

    `others` are the columns of texts and lists.
    """

    time_s: Array
    numbers: Mapping[str, Array]
    others: tuple[pl.Series, ...] = ()

    def __len__(self) -> int:
        return len(self.time_s)

    @classmethod
    def of(cls, table: pl.DataFrame) -> Samples:
        """Of a table with the columns of tables.Records and any further ones."""
        stamps = table["timestamp"].to_numpy()
        time_s = np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64) / 1e6)
        channels = table.get_columns()[1:]
        numbers = {c.name: c.to_numpy() for c in channels if c.dtype == pl.Float64}
        return cls(time_s, numbers, tuple(c for c in channels if c.dtype != pl.Float64))

    def to_table(self) -> pl.DataFrame:
        """The columns of tables.Records first, then texts and lists, then further numbers."""
        core = {name: self.numbers[name] for name in _CORE}
        further = {name: values for name, values in self.numbers.items() if name not in core}
        columns = [*columns_of(core), *self.others, *columns_of(further)]
        return pl.DataFrame([instants("timestamp", self.time_s), *columns])


@dataclass(frozen=True)
class Recorded:
    """The records of one recording, as they were given and in the other form once that is asked for."""

    given: pl.DataFrame | Samples

    def __len__(self) -> int:
        return len(self.given)

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row per record: the columns of tables.Records, then any further channel."""
        return self.given.to_table() if isinstance(self.given, Samples) else self.given

    @cached_property
    def samples(self) -> Samples:
        """The same as arrays."""
        return self.given if isinstance(self.given, Samples) else Samples.of(self.given)


def instants(name: str, time_s: Array) -> pl.Series:
    """Seconds since 1970 -> UTC; null for NaN."""
    micros = time_s * 1e6
    if np.isfinite(micros).all():
        return pl.Series(name, micros.astype(np.int64)).cast(_INSTANT)
    return pl.Series(name, micros, nan_to_null=True).cast(_INSTANT)


def columns_of(numbers: Mapping[str, Array]) -> Iterator[pl.Series]:
    """Columns of numbers, null for NaN; a wide table's are not all in memory twice."""
    names = list(numbers)
    at_once = max(1, _NUMBERS_AT_ONCE // max(1, len(numbers[names[0]]))) if names else 1
    for first in range(0, len(names), at_once):
        yield from numbers_of({name: numbers[name] for name in names[first : first + at_once]}).values()
