"""Where each message of a FIT file starts, and how its bytes are laid out."""

from __future__ import annotations

import re
import struct
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest import fit_profile as profile
from pipeline.ingest.activity import Damage

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
# Devices define a few dozen layouts; the bound keeps a hostile file from costing more than its size.
_MAX_DEFINITIONS = 10_000
# Appends nothing: for messages that nobody reads.
_ignore: Callable[[int], None] = deque[int](maxlen=0).append


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


@dataclass(slots=True, eq=False)
class Definition:
    """The layout of one message, and the offsets of all messages that have it."""

    message: int
    order: str  # numpy's "<" or ">"
    native: list[tuple[int, int, int]]  # field number, size, base type
    developer: list[tuple[Description | None, int]]  # what it is, size
    size: int  # of a data message, with its header byte
    positions: array[int] = field(default_factory=lambda: array("q"))

    def position_array(self) -> NDArray[np.int64]:
        """Offsets of the messages' header bytes, ascending."""
        return np.frombuffer(self.positions, np.int64)

    def timestamps(self, content: bytes) -> NDArray[np.int64] | None:
        """Raw native timestamps of the messages, None where they have none."""
        offset = 1
        for number, size, base in self.native:
            if number == profile.TIMESTAMP_FIELD and (size, base) == (4, _UINT32):
                return self._rows(content, [(offset, f"{self.order}u4")])["0"].astype(np.int64)
            offset += size
        return None

    def columns(self, content: bytes, room: Room) -> Columns:
        """The known fields' values: by field and form, which is "number", "list" or "text".

        Those that there is no room for are left out.

        Numbers are scaled float64 with NaN for invalid; lists (of floats and None) and texts are objects.
        """
        known = profile.fields().get(self.message, {})
        wanted: list[tuple[profile.Field, int, int, int]] = []
        offset = 1
        seen = set()
        for number, size, base in self.native:
            if number in known and number not in seen and size:
                seen.add(number)
                wanted.append((known[number], offset, size, base))
            offset += size
        named: set[str] = set()
        for description, size in self.developer:
            if description is not None and size:
                found = description.field()
                if found.column in named:
                    found = profile.Field(f"{found.name}_{description.number}", found.unit)
                named.add(found.column)
                wanted.append((found, offset, size, description.base))
            offset += size
        wanted = [one for one in wanted if room.take(len(self.positions) * _cells(one[2], one[3]))]
        formats = [(at, self._format(size, base)) for _, at, size, base in wanted]
        rows = self._rows(content, formats)
        raw = [rows[str(i)] for i in range(len(wanted))]
        plain = [i for i, (_, _, _, base) in enumerate(wanted) if _is_plain(raw[i], base)]
        numbers = _numbers([raw[i] for i in plain], [(wanted[i][0], wanted[i][3]) for i in plain])
        at_once = dict(zip(plain, numbers, strict=True))
        columns: Columns = {}
        for i, (found, _, _, base) in enumerate(wanted):
            form, values = ("number", at_once[i]) if i in at_once else _values(raw[i], found, base)
            columns[found, form] = values
        return columns

    def _format(self, size: int, base: int) -> str:
        if base == _TEXT:
            return f"S{size}"
        letter = _BASE_TYPES.get(base, ("u1", 0xFF))[0]
        width = int(letter[1])
        # A size that is no multiple of the type's is read as bytes, as other decoders do.
        if size % width:
            letter, width = "u1", 1
        return f"{self.order}{letter}" if size == width else f"({size // width},){self.order}{letter}"

    def _rows(self, content: bytes, formats: list[tuple[int, str]]) -> NDArray[np.void]:
        names = [str(i) for i in range(len(formats))]
        offsets, codes = [at for at, _ in formats], [code for _, code in formats]
        layout = np.dtype({"names": names, "formats": codes, "offsets": offsets, "itemsize": self.size})
        # One overlapping row per byte of the file; only the rows that are messages are copied out, as
        # bytes: numpy copies a row that has fields field by field.
        everywhere: NDArray[np.void] = np.ndarray(
            (len(content) - self.size + 1,), f"V{self.size}", buffer=content, strides=(1,)
        )
        return everywhere[self.position_array()].view(layout)


def _is_plain(raw: NDArray[np.generic], base: int) -> bool:
    """One number a message, and one that a float64 holds exactly."""
    return base != _TEXT and raw.ndim == 1 and raw.itemsize < 8


def _base_read(raw: NDArray[np.generic], base: int) -> int:
    """The base type as which a field was read: bytes, where its own is unknown or does not fit its size."""
    return _BYTE if raw.dtype == np.uint8 and base not in (0x00, 0x02, 0x0A) else base


def _numbers(raw: list[NDArray[np.generic]], fields: list[tuple[profile.Field, int]]) -> NDArray[np.float64]:
    """Plain fields and their base types at once, a row each: what `_values` gives for each alone."""
    values = np.empty((len(raw), len(raw[0]) if raw else 0))
    invalid = np.empty(len(raw))
    for i, (numbers, (_, base)) in enumerate(zip(raw, fields, strict=True)):
        values[i] = numbers
        none = _BASE_TYPES[_base_read(numbers, base)][1]
        invalid[i] = np.nan if none is None else none
    values[(values == invalid[:, None]) | ~np.isfinite(values)] = np.nan
    values /= np.array([known.scale for known, _ in fields])[:, None]
    values -= np.array([known.offset for known, _ in fields])[:, None]
    return values


def _values(raw: NDArray[np.generic], known: profile.Field, base: int) -> tuple[str, Values]:
    if base == _TEXT:
        texts = [text.split(b"\0", 1)[0].decode("utf-8", "replace") or None for text in raw.tolist()]
        return "text", np.array(texts, dtype=object)
    base = _base_read(raw, base)
    invalid = _BASE_TYPES[base][1]
    values = raw.astype(np.float64)
    if invalid is not None:
        missing = raw == invalid
        if base == _BYTE and raw.ndim == 2:
            # Bytes are invalid together only.
            missing = np.broadcast_to(missing.all(axis=1, keepdims=True), raw.shape)
        values[missing] = np.nan
    values[~np.isfinite(values)] = np.nan
    if known.scale != 1:
        values /= known.scale
    if known.offset:
        values -= known.offset
    if raw.ndim == 1:
        return "number", values
    lists = np.empty(len(values), dtype=object)
    lists[:] = [
        None if all(x != x for x in row) else [None if x != x else x for x in row] for row in values.tolist()
    ]
    return "list", lists


def _cells(size: int, base: int) -> int:
    """What one value takes, in numbers of 8 bytes: Python's texts and lists are large."""
    if base == _TEXT:
        return 12 + size // 8
    letter = _BASE_TYPES.get(base, ("u1", 0xFF))[0]
    width = int(letter[1])
    return 1 if size == width else 24 + 4 * size // (1 if size % width else width)


class Scanner:
    """Walks over the messages of a FIT file and sorts their offsets by definition."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.definitions: list[Definition] = []
        self.damage: Damage | None = None
        self.undescribed = False
        self._interned: dict[tuple[bytes, tuple[Description | None, ...]], Definition] = {}
        self.begin_segment()

    def begin_segment(self) -> None:
        """Forget the local definitions: each file of a chain starts afresh."""
        self._by_header: list[Definition | None] = [None] * 256
        self._steps: list[tuple[int, Callable[[int], None]] | None] = [None] * 256
        self._described: dict[tuple[int, int], Description] = {}

    def scan(self, position: int, end: int) -> int:
        """Record messages from `position` on; return where it stopped.

        That is `end`, or the start of a message that does not fit before `end`, or of one that makes no
        sense (then `damage` says why).
        """
        content, steps = self.content, self._steps
        size = 0
        while position < end:
            step = steps[content[position]]
            if step is None:
                start = position
                position = self._special(position, end)
                if position == start:
                    return start
            else:
                size, add = step
                add(position)
                position += size
        if position > end:
            start = position - size
            known = self._by_header[content[start]]
            if known is not None and known.positions and known.positions[-1] == start:
                known.positions.pop()
            return start
        return position

    def _special(self, position: int, end: int) -> int:
        """Read a definition or a field description; return the next position, or this one to stop."""
        header = self.content[position]
        known = self._by_header[header]
        if known is not None:
            if position + known.size > end:
                return position
            known.positions.append(position)
            self._describe(known, position)
            return position + known.size
        if header & 0xC0 != 0x40:
            self.damage = Damage(position, "a message of a kind that was never defined")
            return position
        return self._define(position, end)

    def _define(self, position: int, end: int) -> int:
        content = self.content
        header = content[position]
        body = position + 6
        if body > end:
            return position
        if content[position + 2] > 1:
            self.damage = Damage(position, "a definition with an impossible byte order")
            return position
        order = ">" if content[position + 2] else "<"
        message = struct.unpack_from(f"{order}H", content, position + 3)[0]
        next_position = body + 3 * content[position + 5]
        native = [
            (content[i], content[i + 1], content[i + 2]) for i in range(body, min(next_position, end - 2), 3)
        ]
        developer: list[tuple[Description | None, int]] = []
        if header & 0x20 and next_position < end:
            begin = next_position + 1
            next_position = begin + 3 * content[next_position]
            for i in range(begin, min(next_position, end - 2), 3):
                developer.append((self._described.get((content[i + 2], content[i])), content[i + 1]))
        elif header & 0x20:
            return position
        if next_position > end:
            return position
        key = content[position + 1 : next_position], tuple(description for description, _ in developer)
        known = self._interned.get(key)
        if known is None:
            if len(self.definitions) >= _MAX_DEFINITIONS:
                self.damage = Damage(position, f"more than {_MAX_DEFINITIONS} different layouts of messages")
                return position
            size = 1 + sum(size for _, size, _ in native) + sum(size for _, size in developer)
            known = self._interned[key] = Definition(message, order, native, developer, size)
            self.definitions.append(known)
            self.undescribed |= any(description is None for description, _ in developer)
        self._assign(header & 0x0F, known)
        return next_position

    def _assign(self, local: int, known: Definition) -> None:
        readable = known.message in profile.fields()
        stamped = any(number == profile.TIMESTAMP_FIELD for number, _, _ in known.native)
        add = known.positions.append if readable or stamped else _ignore
        step = None if known.message == profile.FIELD_DESCRIPTION else (known.size, add)
        compressed = slice(0x80 | local << 5, (0x80 | local << 5) + 32)
        self._by_header[local], self._steps[local] = known, step
        if local < 4:
            self._by_header[compressed], self._steps[compressed] = [known] * 32, [step] * 32

    def _describe(self, known: Definition, position: int) -> None:
        """Read a field_description at once: definitions further on need it."""
        said: dict[str, bytes] = {}
        offset = position + 1
        for number, size, _ in known.native:
            if number in profile.fields()[known.message]:
                said[profile.fields()[known.message][number].name] = self.content[offset : offset + size]
            offset += size
        index, number, base = (
            (said.get(name) or b"\xff")[0]
            for name in ("developer_data_index", "field_definition_number", "fit_base_type_id")
        )
        name, units = (
            said.get(name, b"").split(b"\0", 1)[0].decode("utf-8", "replace")
            for name in ("field_name", "units")
        )
        self._described[index, number] = Description(index, number, base, name, units)
