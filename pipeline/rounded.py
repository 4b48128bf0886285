"""A run's track and grid as packs hold them, numbers in whole steps, and the tables that they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.cells import READ, Cells
from pipeline.columns import STEPS, dtypes, slices_of
from pipeline.numeric import Array, Integers
from pipeline.seconds import MEASURED, Seconds
from pipeline.tables import DataFrame, Grid, Track


@dataclass(frozen=True, slots=True)
class Numbers:
    """Columns of one length: a row of `steps` for each, whole multiples of its step, NaN where not known."""

    names: tuple[str, ...]
    steps: Array

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Numbers:
        """Arrays of one length, by names that end with their unit (columns.STEPS)."""
        names = tuple(arrays)
        steps = np.array(list(arrays.values()), dtype=np.float64)
        steps *= _steps_per_unit(names)
        return cls(names, np.rint(steps, out=steps))

    def __getitem__(self, name: str) -> Array:
        """One column in its unit again."""
        return np.asarray(self.steps[self.names.index(name)] * (1 / STEPS[name]) + 0.0)

    def pick(self, names: tuple[str, ...]) -> Numbers:
        """Some of the columns."""
        return Numbers(names, self.steps[[self.names.index(name) for name in names]])

    def columns(self) -> dict[str, pl.Series]:
        """All columns in their units, null where not known."""
        in_units = self.steps * (1 / _steps_per_unit(self.names))
        in_units += 0.0  # a pack knows no zero below zero
        return slices_of(pl.Series(in_units.ravel(), nan_to_null=True), self.names)


@cache
def _steps_per_unit(names: tuple[str, ...]) -> Array:
    return np.array([[float(STEPS[name])] for name in names])


@dataclass(frozen=True, slots=True)
class RoundedTrack:
    """A Track: its seconds since `start_time`, numbers, and indices into tables.GAITS and CADENCE_FLAGS."""

    run_id: str
    start_time: datetime
    elapsed_s: Integers
    numbers: Numbers
    gait: NDArray[Any]
    cadence_flag: NDArray[Any]

    def time_us(self) -> Integers:
        """Microseconds since 1970; a run starts with its first whole second."""
        return int(self.start_time.timestamp()) * 1_000_000 + self.elapsed_s * 1_000_000

    def to_table(self) -> DataFrame[Track]:
        """The table; what is joined to a track when it is loaded is null."""
        given = self.numbers.columns() | {
            "elapsed_s": pl.Series(self.elapsed_s),
            "timestamp": pl.Series(self.time_us()).cast(dtypes(Track)["timestamp"]),
            "gait": pl.Series(self.gait).cat.to(dtypes(Track)["gait"]),
            "cadence_flag": pl.Series(self.cadence_flag).cat.to(dtypes(Track)["cadence_flag"]),
        }
        return cast(DataFrame[Track], _table(Track, self.run_id, len(self.elapsed_s), given))

    def to_seconds(self) -> Seconds:
        """What steadiness is measured on."""
        speed, cadence, grade = (self.numbers[name] for name in MEASURED[1:4])
        return Seconds(self.elapsed_s, speed, cadence, grade, self.gait, self.cadence_flag)

    def to_be_measured(self) -> RoundedTrack:
        """The same with the numbers alone that `to_seconds` gives."""
        return replace(self, numbers=self.numbers.pick(MEASURED[1:4]))


@dataclass(frozen=True, slots=True)
class RoundedGrid:
    """A Grid: the numbers of its cells."""

    run_id: str
    numbers: Numbers

    def to_table(self) -> DataFrame[Grid]:
        """The table."""
        cells = self.numbers.steps.shape[1]
        given = self.numbers.columns() | {"cell": pl.Series(np.arange(cells))}
        return cast(DataFrame[Grid], _table(Grid, self.run_id, cells, given))

    def to_cells(self) -> Cells:
        """What labels are made of."""
        return {name: self.numbers[name] for name in READ}


def _table(
    schema: type[Track] | type[Grid], run_id: str, length: int, given: Mapping[str, pl.Series]
) -> pl.DataFrame:
    def column(name: str, dtype: pl.DataType) -> pl.Series:
        if name in given:
            return given[name].alias(name)
        return pl.Series(name, [run_id if name == "run_id" else None], dtype=dtype).new_from_index(0, length)

    return pl.DataFrame([column(*declared) for declared in dtypes(schema).items()])
