"""FIT files built byte by byte, so that what they hold can be worked out by hand."""

from __future__ import annotations

import struct

ENUM, SINT8, UINT8, STRING, BYTE = 0x00, 0x01, 0x02, 0x07, 0x0D
UINT16, SINT32, UINT32, FLOAT32 = 0x84, 0x85, 0x86, 0x88
FILE_ID, SESSION, RECORD, EVENT, ACTIVITY = 0, 18, 20, 21, 34
DESCRIPTION, SET = 206, 225
# FIT time 1,000,000,000 s after 1989-12-31 is 2021-09-08 01:46:40 UTC.
T0 = 1_000_000_000


def definition(
    local: int,
    message: int,
    fields: list[tuple[int, int, int]],
    *,
    big: bool = False,
    developer: list[tuple[int, int, int]] | None = None,
) -> bytes:
    """A definition message: fields are (number, size, base type), developer ones (number, size, index)."""
    head = struct.pack(
        ">BBBHB" if big else "<BBBHB", 0x40 | local | (0x20 if developer else 0), 0, big, message, len(fields)
    )
    body = b"".join(bytes(field) for field in fields)
    if developer:
        body += bytes([len(developer)]) + b"".join(bytes(field) for field in developer)
    return head + body


def data(local: int, layout: str, *values: object, big: bool = False) -> bytes:
    """A data message: `layout` is struct's, without byte order."""
    return bytes([local]) + struct.pack((">" if big else "<") + layout, *values)


def compressed(local: int, offset: int, layout: str, *values: object) -> bytes:
    """A data message with a compressed timestamp header: `offset` are the time's five lowest bits."""
    return bytes([0x80 | local << 5 | offset]) + struct.pack("<" + layout, *values)


def checksum(content: bytes) -> int:
    """CRC-16 bit by bit, as slow and plain as can be."""
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def fit(*messages: bytes, header_size: int = 14, data_size: int | None = None) -> bytes:
    """A whole file: header (its own checksum left 0), messages, checksum."""
    body = b"".join(messages)
    size = len(body) if data_size is None else data_size
    head = struct.pack("<BBHI4s", header_size, 0x20, 2100, size, b".FIT") + bytes(header_size - 12)
    return head + body + struct.pack("<H", checksum(head + body))


FILE_ID_MESSAGES = definition(0, FILE_ID, [(0, 1, ENUM), (1, 2, UINT16), (2, 2, UINT16)]) + data(
    0, "BHH", 4, 1, 3906
)


def simple_run(records: int = 3) -> bytes:
    """An activity of a Garmin fenix 7 with one record a second: time, heart rate 100, 101, ..."""
    beats = [data(1, "IB", T0 + i, 100 + i % 100) for i in range(records)]
    return fit(FILE_ID_MESSAGES, definition(1, RECORD, [(253, 4, UINT32), (3, 1, UINT8)]), *beats)
