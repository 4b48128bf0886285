"""How the bytes of a FIT message are laid out, and the columns that all messages of one layout give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest import fit_profile as profile

Values = NDArray[np.float64] | NDArray[np.object_]
Columns = dict[tuple[profile.Field, str], Values]

_TEXT, _BYTE, _UINT32 = 0x07, 0x0D, 0x86
# Base type -> numpy's letter, and the value that means "invalid" (of floats every NaN does).
_BASE_TYPES: dict[int, tuple[str, int | None]] = {
    0x00: ("u1", 0xFF),
    0x01: ("i1", 0x7F),
    0x02: ("u1", 0xFF),
    0x83: ("i2", 0x7FFF),
    0x84: ("u2", 0xFFFF),
    0x85: ("i4", 0x7FFFFFFF),
    0x86: ("u4", 0xFFFFFFFF),
    0x88: ("f4", None),
    0x89: ("f8", None),
    0x0A: ("u1", 0),
    0x8B: ("u2", 0),
    0x8C: ("u4", 0),
    0x0D: ("u1", 0xFF),
    0x8E: ("i8", 0x7FFFFFFFFFFFFFFF),
    0x8F: ("u8", 0xFFFFFFFFFFFFFFFF),
    0x90: ("u8", 0),
}


@dataclass(frozen=True, slots=True)
class Description:
    """What a field_description message says of a developer field."""

    index: int
    number: int
    base: int
    name: str
    units: str

    def field(self) -> profile.Field:
        """The field under a name that no native field can have."""
        name, unit = (re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") for text in (self.name, self.units))
        return profile.Field(f"dev_{self.index}_{name or self.number}", unit)


@dataclass(slots=True)
class Room:
    """How many numbers (of 8 bytes) may still be held: hostile layouts ask for gigabytes with a few bytes."""

    cells: int
    refused: bool = False

    def take(self, cells: int) -> bool:
        """Whether there is room for so many; if so, there is that much less."""
        if cells > self.cells:
            self.refused = True
            return False
        self.cells -= cells
        return True


@dataclass(frozen=True, slots=True)
class _Stored:
    """How a field lies in the messages of a definition."""

    field: profile.Field
    offset: int
    base: int
    dtype: np.dtype[Any]
    cells: int  # what one value takes, in numbers of 8 bytes

    @property
    def is_plain(self) -> bool:
        """One number a message, and one that a float64 holds exactly."""
        return self.base != _TEXT and not self.dtype.shape and self.dtype.itemsize < 8

    @property
    def base_read(self) -> int:
        """The base type as which it is read: bytes, where its own is unknown or does not fit its size."""
        return _BYTE if self.dtype.base == np.uint8 and self.base not in (0x00, 0x02, 0x0A) else self.base

    @property
    def invalid(self) -> int | None:
        """The value that means "invalid"; None for floats, of which every NaN does."""
        return _BASE_TYPES[self.base_read][1]


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of a definition that are read, and what makes numbers of the plain ones, a row each."""

    fields: tuple[_Stored, ...]
    dtype: np.dtype[np.void]  # of a whole message
    plain: tuple[str, ...]  # their names in the rows
    floats: tuple[int, ...]
    invalid: NDArray[np.float64]
    scales: tuple[tuple[int, float], ...]
    offsets: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, fields: Sequence[_Stored], size: int) -> Layout:
        """Of these fields of messages of so many bytes."""
        plain = [one for one in fields if one.is_plain]
        invalid = [[np.nan if one.invalid is None else one.invalid] for one in plain]
        return cls(
            tuple(fields),
            _row_dtype([(one.offset, one.dtype) for one in fields], size),
            tuple(str(i) for i, one in enumerate(fields) if one.is_plain),
            tuple(i for i, one in enumerate(plain) if one.invalid is None),
            np.array(invalid, np.float64).reshape(-1, 1),
            tuple((i, one.field.scale) for i, one in enumerate(plain) if one.field.scale != 1),
            tuple((i, one.field.offset) for i, one in enumerate(plain) if one.field.offset),
        )

    def numbers(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """The plain fields at once: what `_values` gives for each alone."""
        values = np.empty((len(self.plain), len(rows)))
        with np.errstate(invalid="ignore"):  # a signalling NaN, which only damage makes
            for i, name in enumerate(self.plain):
                values[i] = rows[name]
        for i in self.floats:
            values[i, ~np.isfinite(values[i])] = np.nan
        np.putmask(values, values == self.invalid, np.nan)
        for i, scale in self.scales:
            values[i] /= scale
        for i, offset in self.offsets:
            values[i] -= offset
        return values


def _nowhere() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(slots=True, eq=False)
class Definition:
    """The layout of one message, and the offsets of all messages that have it."""

    message: int
    order: str  # numpy's "<" or ">"
    native: bytes  # three a field: its number, size and base type
    developer: bytes  # three a field: its number, size and developer
    descriptions: tuple[Description | None, ...]  # of the developer fields
    size: int  # of a data message, with its header byte
    positions: NDArray[np.int64] = field(default_factory=_nowhere)
    rows: NDArray[np.int64] = field(default_factory=_nowhere)  # among all messages of the same kind

    def is_read(self, compressed: bool) -> bool:
        """Whether anything asks for their values, or for their times where times are `compressed`."""
        return self.message in profile.fields() or (
            compressed and profile.TIMESTAMP_FIELD in self.native[::3]
        )

    def timestamps(self, content: bytes) -> NDArray[np.int64] | None:
        """Raw native timestamps of the messages, None where they have none."""
        offset = 1
        for number, size, base in triples(self.native):
            if number == profile.TIMESTAMP_FIELD and (size, base) == (4, _UINT32):
                stored = _row_dtype([(offset, _dtype(self.order, size, base))], self.size)
                return self._messages(content, stored)["0"].astype(np.int64)
            offset += size
        return None

    def columns(self, content: bytes, room: Room) -> list[tuple[tuple[profile.Field, str], Values]]:
        """The known fields' values: by field and form, which is "number", "list" or "text".

        Those that there is no room for are left out.

        Numbers are scaled float64 with NaN for invalid; lists (of floats and None) and texts are objects.
        """
        layout = _layout(self.message, self.order, self.native, self.developer, self.descriptions, self.size)
        kept = [one for one in layout.fields if room.take(len(self.positions) * one.cells)]
        if len(kept) < len(layout.fields):
            layout = Layout.of(kept, self.size)
        rows = self._messages(content, layout.dtype)
        numbers = iter(layout.numbers(rows))
        columns: list[tuple[tuple[profile.Field, str], Values]] = []
        for i, one in enumerate(layout.fields):
            form, values = ("number", next(numbers)) if one.is_plain else _values(rows[str(i)], one)
            columns.append(((one.field, form), values))
        return columns

    def _messages(self, content: bytes, dtype: np.dtype[np.void]) -> NDArray[np.void]:
        # One overlapping row per byte of the file; only the rows that are messages are copied out, as
        # bytes: numpy copies a row that has fields field by field.
        everywhere: NDArray[np.void] = np.ndarray(
            (len(content) - self.size + 1,), f"V{self.size}", buffer=content, strides=(1,)
        )
        return everywhere[self.positions].view(dtype)


def _row_dtype(fields: Sequence[tuple[int, np.dtype[Any]]], size: int) -> np.dtype[np.void]:
    """A message of so many bytes with fields "0", "1", ... at these offsets."""
    names = [str(i) for i in range(len(fields))]
    offsets, formats = [at for at, _ in fields], [kind for _, kind in fields]
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})


@lru_cache(256)
def _layout(
    message: int,
    order: str,
    native: bytes,
    developer: bytes,
    descriptions: tuple[Description | None, ...],
    message_size: int,
) -> Layout:
    """The known fields of a definition. Files of a device share theirs, and so this work."""
    known = profile.fields().get(message, {})
    fields: list[_Stored] = []
    offset = 1
    seen = set()
    for number, size, base in triples(native):
        if number in known and number not in seen and size:
            seen.add(number)
            fields.append(_Stored(known[number], offset, base, _dtype(order, size, base), _cells(size, base)))
        offset += size
    named: set[str] = set()
    for description, size in zip(descriptions, developer[1::3], strict=True):
        if description is not None and size:
            found, base = description.field(), description.base
            if found.column in named:
                found = profile.Field(f"{found.name}_{description.number}", found.unit)
            named.add(found.column)
            fields.append(_Stored(found, offset, base, _dtype(order, size, base), _cells(size, base)))
        offset += size
    return Layout.of(fields, message_size)


@lru_cache(1024)
def _dtype(order: str, size: int, base: int) -> np.dtype[Any]:
    """How numpy reads a field."""
    if base == _TEXT:
        return np.dtype(f"S{size}")
    letter = _BASE_TYPES.get(base, ("u1", 0xFF))[0]
    width = int(letter[1])
    # A size that is no multiple of the type's is read as bytes, as other decoders do.
    if size % width:
        letter, width = "u1", 1
    return np.dtype(f"{order}{letter}" if size == width else f"({size // width},){order}{letter}")


@lru_cache(1024)
def _cells(size: int, base: int) -> int:
    """What one value takes, in numbers of 8 bytes: Python's texts and lists are large."""
    if base == _TEXT:
        return 12 + size // 8
    letter = _BASE_TYPES.get(base, ("u1", 0xFF))[0]
    width = int(letter[1])
    return 1 if size == width else 24 + 4 * size // (1 if size % width else width)


def triples(layout: bytes) -> Iterator[tuple[int, int, int]]:
    return zip(layout[::3], layout[1::3], layout[2::3], strict=True)


def _values(raw: NDArray[np.generic], one: _Stored) -> tuple[str, Values]:
    if one.base == _TEXT:
        texts = [text.split(b"\0", 1)[0].decode("utf-8", "replace") or None for text in raw.tolist()]
        return "text", np.array(texts, dtype=object)
    values = raw.astype(np.float64)
    if one.invalid is not None:
        missing = raw == one.invalid
        if one.base_read == _BYTE and raw.ndim == 2:
            # Bytes are invalid together only.
            missing = np.broadcast_to(missing.all(axis=1, keepdims=True), raw.shape)
        values[missing] = np.nan
    values[~np.isfinite(values)] = np.nan
    if one.field.scale != 1:
        values /= one.field.scale
    if one.field.offset:
        values -= one.field.offset
    if raw.ndim == 1:
        return "number", values
    lists = np.empty(len(values), dtype=object)
    lists[:] = [
        None if all(x != x for x in row) else [None if x != x else x for x in row] for row in values.tolist()
    ]
    return "list", lists
