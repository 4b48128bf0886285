"""The kinds of column that the tables are made of, each with its unit and what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

TERRAINS = ("technical", "smooth")

# Steps per unit: 1e7 per degree is 11 mm on the ground; 256 per step/min holds FIT's cadences (1/64) exactly.
STEPS = {
    "lat_deg": 10_000_000,
    "lon_deg": 10_000_000,
    "altitude_m": 100,
    "distance_m": 100,
    "speed_mps": 1_000,
    "gap_speed_mps": 1_000,
    "cadence_spm": 256,
    "heart_rate_bpm": 10,
    "grade": 10_000,
    "abs_grade": 10_000,
    "elapsed_s": 100,
    "heading_deg": 100,
    "altitude_roughness": 10_000,
    "pace_variability": 10_000,
    "pace_deficit": 10_000,
    "sinuosity": 10_000,
    "score": 10_000,
}


def meta(unit: str, doc: str) -> dict[str, Any]:
    """Unit and description, for docs/data-model.md."""
    return {"unit": unit, "doc": doc}


def number(
    unit: str, doc: str, *, nullable: bool = True, min: float | None = None, max: float | None = None
) -> dy.Float64:
    """A real number with its unit in the name."""
    return dy.Float64(nullable=nullable, min=min, max=max, metadata=meta(unit, doc))


def text(doc: str, *, key: bool = False, nullable: bool = False) -> dy.String:
    """Words."""
    return dy.String(primary_key=key, nullable=nullable, metadata=meta("", doc))


def count(doc: str, *, unit: str = "", key: bool = False, nullable: bool = False) -> dy.Int64:
    """A whole number, not negative."""
    return dy.Int64(primary_key=key, nullable=nullable, min=0, metadata=meta(unit, doc))


def flag(doc: str) -> dy.Bool:
    """Yes, no, or not known."""
    return dy.Bool(nullable=True, metadata=meta("", doc))


def instant(doc: str, *, nullable: bool = False) -> dy.Datetime:
    """A moment, in UTC."""
    return dy.Datetime(time_unit="us", time_zone="UTC", nullable=nullable, metadata=meta("UTC", doc))


def day(doc: str, *, key: bool = False) -> dy.Date:
    """A local day."""
    return dy.Date(primary_key=key, metadata=meta("", doc))


def choice(doc: str, values: tuple[str, ...], *, key: bool = False, nullable: bool = False) -> dy.Enum:
    """One of a closed set of words."""
    return dy.Enum(list(values), primary_key=key, nullable=nullable, metadata=meta("", doc))


@cache
def dtypes(schema: type[dy.Schema]) -> dict[str, Any]:
    """Column -> polars type, in the declared order."""
    return {name: column.dtype for name, column in schema.columns().items()}


@cache
def steps_per_unit(schema: type[dy.Schema]) -> dict[str, int]:
    """Column → stored steps per unit, of the columns that are rounded. Half a step is the largest error."""
    numbers = {name for name, dtype in dtypes(schema).items() if dtype.is_float()}
    return {name: steps for name, steps in STEPS.items() if name in numbers}


def numbers_of(
    arrays: Mapping[str, NDArray[np.float64]], dtype: type[np.floating[Any]] = np.float64
) -> dict[str, pl.Series]:
    """Arrays of one length as columns, null for NaN: slices of one series, since making one costs most."""
    if not arrays:
        return {}
    joined = np.concatenate(list(arrays.values()), dtype=dtype, casting="same_kind")
    return slices_of(pl.Series(joined, nan_to_null=True), tuple(arrays))


def slices_of(joined: pl.Series, names: Sequence[str]) -> dict[str, pl.Series]:
    """Columns of one length that lie one after the other in a series."""
    length = len(joined) // len(names)
    return {name: joined.slice(i * length, length).alias(name) for i, name in enumerate(names)}
