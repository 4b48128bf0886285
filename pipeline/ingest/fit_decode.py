"""FIT bytes -> one table of columns per kind of message.

One pass in Python finds where each message starts; all messages of one definition are then read by a
single strided numpy view. The layout is that of the FIT protocol, version 2 (Garmin, developer.garmin.com).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Rejected
from pipeline.ingest import fit_profile as profile
from pipeline.ingest.activity import Damage
from pipeline.ingest.fit_layout import Columns, Definition, Room, Values
from pipeline.ingest.fit_scan import Scanner

Floats = NDArray[np.float64]

# Each channel is a column as long as the table. Real files above 0.5 MB need less than one cell a byte; the
# bound keeps a few bytes of hostile layout from asking for gigabytes.
_MAX_CELLS, _MAX_CELLS_PER_BYTE = 1_000_000, 1
# A record takes some twenty bytes; a day at 1 Hz is free, and so are laps and events in any usual number.
_MAX_RECORDS, _BYTES_PER_RECORD, _MAX_MESSAGES = 100_000, 16, 20_000
# Of x^15 + x + 1, in bytes instead of bits.
_FOLD_BYTES = 15
_MARK = int.from_bytes(b".FIT", "little")
WRONG_CHECKSUM = "the file's checksum is wrong"
_SURPLUS = "more messages than a recording of its size can hold: the last were left out"
_NOT_FIT = "export the activity again as FIT, GPX or TCX"


@dataclass(slots=True)
class Table:
    """All messages of one kind, in file order.

    `positions` are byte offsets. `columns` holds the values by field and form: "number" is float64, scaled,
    with NaN for invalid; "list" (of floats and None) and "text" are objects with None for invalid.
    """

    positions: NDArray[np.int64]
    columns: Columns = field(default_factory=dict)

    def numbers(self, name: str) -> Floats:
        """As `find`, NaN throughout where the field is absent."""
        found = self.find(name)
        return np.full(len(self.positions), np.nan) if found is None else found

    def find(self, name: str) -> Floats | None:
        """The native field's numbers, of an array the first; NaN where invalid. Read only."""
        found: Floats | None = None
        for (known, form), values in self.columns.items():
            if known.name != name or form == "text":
                continue
            if form == "list":
                first = [next((one for one in many or () if one is not None), np.nan) for many in values]
                values = np.array(first, dtype=np.float64)
            values = values.astype(np.float64, copy=False)
            found = values if found is None else np.where(np.isnan(found), values, found)
        return found

    def objects(self, name: str, form: str) -> list[Any]:
        """The native field's texts or lists, None where invalid; empty where the table has none."""
        found = (v for (known, has), v in self.columns.items() if (known.name, has) == (name, form))
        return list(next(found, ()))


@dataclass(slots=True)
class Decoded:
    """What a FIT file holds: tables by message number, where it breaks, what a person should know."""

    tables: dict[int, Table]
    segments: tuple[int, ...]
    damage: Damage | None
    warnings: tuple[str, ...]

    def table(self, message: int) -> Table:
        """The messages of this number; an empty table where there are none."""
        return self.tables.get(message, Table(np.empty(0, np.int64)))


def decode_fit(content: bytes) -> Decoded:
    """Read every message of the profile's slice from a FIT file, whole, chained, cut or damaged.

    Messages before damage are kept. Raises Rejected where the content is empty, not FIT, or holds no message.
    """
    if not content:
        raise Rejected("the file is empty", _NOT_FIT)
    if _header(content, 0) is None:
        raise Rejected("this is not a FIT file", _NOT_FIT)
    scanner = Scanner(content)
    warnings: list[str] = []
    segments = []
    start: int | None = 0
    while start is not None:
        segments.append(start)
        start = _read_segment(scanner, start, warnings)
    definitions = scanner.definitions()
    if scanner.surplus:
        warnings.append(_SURPLUS)
    stamps = _expand_compressed_timestamps(content, definitions, segments) if scanner.compressed else None
    tables: dict[int, Table] = {}
    room = Room(_MAX_CELLS + _MAX_CELLS_PER_BYTE * len(content))
    kinds = {known.message for known in definitions} & profile.fields().keys()
    for number in kinds - {profile.FIELD_DESCRIPTION}:
        group = [known for known in definitions if known.message == number]
        _cut_surplus(group, len(content), warnings)
        tables[number] = _merge([known for known in group if len(known.positions)], content, room)
        if stamps is not None:
            _set_times(tables[number], stamps)
    if room.refused:
        warnings.append("more channels than a recording of its size can hold: some were left out")
    if scanner.undescribed:
        warnings.append("some developer fields are not described in the file and were left out")
    if not tables:
        raise Rejected("the FIT file holds no message that can be read", _NOT_FIT)
    return Decoded(tables, tuple(segments), scanner.damage, tuple(dict.fromkeys(warnings)))


def _header(content: bytes, start: int) -> tuple[int, int] | None:
    """Offsets of the first message and of the end that the header declares; None where there is no header."""
    if content[start + 8 : start + 12] != b".FIT" or content[start] < 12:
        return None
    first = start + content[start]
    return first, first + int(struct.unpack_from("<I", content, start + 4)[0])


def _read_segment(scanner: Scanner, start: int, warnings: list[str]) -> int | None:
    """Scan the FIT file that starts here and say where the next one of a chain starts."""
    content = scanner.content
    first, declared = _header(content, start) or (start, start)
    end = _data_end(content, start, first, declared, warnings)
    scanner.begin_segment()
    stop = min(first, end)
    for inner in _inner_headers(content, first, end):
        stop = scanner.scan(stop, inner - 2)
        if stop == inner - 2:
            return inner
        if scanner.damage is not None:
            return None
    stop = scanner.scan(stop, end)
    resumes = stop < end and scanner.damage is None and end + 2 < len(content)
    if resumes and _header(content, end + 2) is None:
        warnings.append("the size in the file's header is wrong")
        end = len(content)
        stop = scanner.scan(stop, end)
    if scanner.damage is not None:
        return None
    if stop < end or declared > end:
        leftover = "in the middle of a message" if stop < end else "before its end"
        if end == len(content):
            scanner.damage = Damage(stop, f"the file is cut short {leftover}")
        elif stop < end:
            scanner.damage = Damage(stop, "the last message is incomplete")
    following = end + 2
    if scanner.damage is not None or following >= len(content):
        return None
    if _header(content, following) is not None:
        return following
    warnings.append(f"{len(content) - following} bytes after the end of the recording were ignored")
    return None


def _inner_headers(content: bytes, first: int, end: int) -> Iterator[int]:
    """Where headers may stand inside: the first header of some chains claims the size of the whole."""
    for mark in _marks(content, first + 10, end):
        if _header(content, mark - 8) is not None:
            yield mark - 8


def _marks(content: bytes, begin: int, end: int) -> list[int]:
    """Where ".FIT" stands between these offsets: comparing whole words is faster than `bytes.find`."""
    found = []
    for first in range(begin, min(begin + 4, end - 3)):
        words = np.frombuffer(content, "<u4", (end - first) // 4, first)
        found += (first + 4 * np.flatnonzero(words == _MARK)).tolist()
    return sorted(found)


def _data_end(content: bytes, start: int, first: int, declared: int, warnings: list[str]) -> int:
    """Where the messages end: as declared, unless the checksum shows that the header's size is wrong."""
    last = len(content) - 2

    def checks(end: int) -> bool:
        return first <= end <= last and crc16(content[start:end]) == struct.unpack_from("<H", content, end)[0]

    if declared > first and checks(declared):
        return declared
    chained = _header(content, declared + 2) is not None
    if not chained and declared != last and last > first and checks(last):
        warnings.append("the size in the file's header is wrong")
        return last
    if declared == first and len(content) > first + 2:
        warnings.append("the recording was never closed")
        return len(content)
    if declared > last:
        if declared <= len(content):
            warnings.append("the file's checksum is missing")
        return min(declared, len(content))
    if len(content) > first + 2:
        warnings.append(WRONG_CHECKSUM)
    return declared


def crc16(content: bytes) -> int:
    """FIT's checksum, the CRC-16 of reflected 0x8005.

    Its polynomial is (x + 1)(x^15 + x + 1). Modulo the second factor a power of two of squarings gives
    x^(15 n) = x^n + 1, so a long message folds to half its length by three XORs of whole bytes; what that
    loses is the remainder modulo x + 1, the parity of the bits.
    """
    message = np.frombuffer(content, np.uint8)
    folded = message
    while len(folded) > _FOLD_BYTES:
        shift = 1 << ((len(folded) - 1) // _FOLD_BYTES).bit_length() - 1
        high, low = folded[: -_FOLD_BYTES * shift], folded[-_FOLD_BYTES * shift :]
        folded = np.zeros(max(len(low), len(high) + shift), np.uint8)
        folded[-len(low) :] = low
        folded[-len(high) :] ^= high
        folded[-len(high) - shift : -shift] ^= high
    crc = 0
    for byte in folded.tolist():
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    lost = np.bitwise_xor.reduce(message) ^ np.bitwise_xor.reduce(folded)
    return crc ^ 0xC001 if int(lost).bit_count() % 2 else crc


def unwrap(low: NDArray[np.int64], bits: int, full: NDArray[np.int64]) -> NDArray[np.int64]:
    """Values of a counter of which only the lowest bits were stored, in order.

    `full` is the whole value where it is known and -1 elsewhere; the first must be known. A low part below
    the one before it means that the counter went round once.
    """
    step = np.diff(low, prepend=low[:1]) % (1 << bits)
    step[full >= 0] = 0
    total = np.cumsum(step)
    anchor = np.maximum.accumulate(np.where(full >= 0, np.arange(len(full)), 0))
    values: NDArray[np.int64] = full[anchor] + total - total[anchor]
    return values


def _expand_compressed_timestamps(
    content: bytes, definitions: list[Definition], segments: list[int]
) -> tuple[NDArray[np.int64], Floats]:
    """Positions and times (s) of the messages with a compressed timestamp, which most files have not.

    Five bits count on from the last time of any message (FIT protocol, "compressed timestamp header").
    """
    data = np.frombuffer(content, np.uint8)
    # Each file of a chain starts without a time; what is counted from 0 is seen to be relative later.
    zero = np.zeros(len(segments), np.int64)
    positions, lows, fulls = [np.array(segments, np.int64)], [zero], [zero]
    for known in definitions:
        at = known.positions
        stamp = known.timestamps(content)
        full = np.full(len(at), -1, np.int64)
        if stamp is not None:
            full[:] = np.where(stamp == 0xFFFFFFFF, -1, stamp)
        use = (data[at] >= 0x80) | (full >= 0)
        positions.append(at[use])
        lows.append(np.where(full >= 0, full, data[at])[use] & 31)
        fulls.append(full[use])
    position = np.concatenate(positions)
    order = np.argsort(position, kind="stable")
    full = np.concatenate(fulls)[order]
    times = unwrap(np.concatenate(lows)[order], 5, full)
    return position[order][full < 0], times[full < 0].astype(np.float64)


def _cut_surplus(group: list[Definition], size: int, warnings: list[str]) -> None:
    """Forget the last messages of a kind where there are more than a recording of its size can hold."""
    most = _MAX_MESSAGES
    if group[0].message == profile.RECORD:
        most = _MAX_RECORDS + size // _BYTES_PER_RECORD
    if sum(len(known.positions) for known in group) <= most:
        return
    end = np.sort(np.concatenate([known.positions for known in group]))[most]
    for known in group:
        kept = int(np.searchsorted(known.positions, end))
        known.positions, known.rows = known.positions[:kept], known.rows[:kept]
    warnings.append(_SURPLUS)


def _merge(group: list[Definition], content: bytes, room: Room) -> Table:
    """Join the definitions of one message into one table in file order."""
    if len(group) == 1:
        return Table(group[0].positions, dict(group[0].columns(content, room)))
    length = sum(len(known.positions) for known in group)
    table = Table(np.empty(length, np.int64))
    for known in group:
        table.positions[known.rows] = known.positions
        for key, values in known.columns(content, room):
            merged = table.columns.get(key)
            if merged is None:
                if not room.take(length):
                    continue
                missing = np.nan if values.dtype == np.float64 else None
                merged = table.columns[key] = cast(Values, np.full(length, missing, values.dtype))
            merged[known.rows] = values
    return table


def _set_times(table: Table, stamps: tuple[NDArray[np.int64], Floats]) -> None:
    """Fill in the times that compressed headers give."""
    at = np.searchsorted(table.positions, stamps[0])
    at[at == len(table.positions)] = 0
    mine = table.positions[at] == stamps[0]
    if mine.any():
        key = (profile.Field("timestamp", kind="time"), "number")
        table.columns.setdefault(key, np.full(len(table.positions), np.nan))[at[mine]] = stamps[1][mine]
