"""Spoils recordings and archives in ways that files are spoilt, and in ways that only malice finds."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from random import Random

from pipeline.ingest.fit_decode import crc16

Mutation = Callable[[Random, bytearray], str]
"""Changes the bytes in place and says what it did."""

_DEFINITION = re.compile(rb"[\x40-\x6f]\x00[\x00\x01][\s\S]{2}[\x01-\x60]")
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\dZ]*")
_ZIP_HEADER = re.compile(rb"PK(\x01\x02|\x03\x04|\x05\x06|\x06\x06|\x06\x07)")
_TAG = re.compile(rb"<[^<>]{1,200}>")
_ODD_NUMBERS = (
    b"", b"NaN", b"inf", b"-1e308", b"1e999", b"9" * 400, b"-0", b"12,5", b"0x10", b"1_000", b" 7 ",
    b"\xef\xbc\x91", b"1e-320", b"-99999", b"180.0000001", b"90.5",
)  # fmt: skip
_ODD_TIMES = (
    b"", b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59.999999999Z", b"2024-13-45T99:99:99Z",
    b"1970-01-01T00:00:00Z", b"2024-05-04T24:00:00Z", b"2024-05-04T09:00:00+14:00", b"2024-05-04",
    b"0000-00-00T00:00:00Z", b"20240504T090000Z", b"9999-12-31T23:59:59-23:59", b"2024-W05-1T00:00:00Z",
    b"1995-01-01T00:00:00Z", b"2099-12-31T00:00:00Z",
)  # fmt: skip
_ODD_MARKUP = (
    b"<!DOCTYPE gpx [<!ENTITY a 'b'>]>", b"&a;", b"&#0;", b"&#x110000;", b"<![CDATA[", b"]]>", b"<!--",
    b"<?xml ?>", b"<a>" * 300, b'<a b="' + b"c" * 5000 + b'"/>', b"\0", b"\xff\xfe", b"\xef\xbb\xbf",
    b"<trkpt/>", b"<Trackpoint/>", b"</trk>", b"<Lap/>", b'<Activity Sport="Running">', b"<Time>",
    b"<extensions>", b'<trkpt lat="1" lat="2"/>', b"<type>running</type>", b"<x:y/>", b"\xed\xa0\x80",
    b"<Activity/>" * 50, b"<trkseg/>" * 50,
)  # fmt: skip
_ODD_ENCODINGS = (b"utf-16", b"utf-7", b"ascii", b"windows-1252", b"shift_jis", b"", b"ucs-4", b"rot13")


def _cut(rng: Random, content: bytearray) -> str:
    at = rng.randrange(len(content))
    del content[at:]
    return f"cut at {at}"


def _flip(rng: Random, content: bytearray) -> str:
    bits = [rng.randrange(8 * len(content)) for _ in range(rng.choice((1, 1, 2, 8, 64)))]
    for bit in bits:
        content[bit // 8] ^= 1 << bit % 8
    return f"flip {len(bits)} bits, the first in byte {bits[0] // 8}"


def _insert(rng: Random, content: bytearray) -> str:
    at, size = rng.randrange(len(content) + 1), rng.choice((1, 1, 2, 7, 40, 3000))
    content[at:at] = rng.randbytes(size)
    return f"insert {size} bytes at {at}"


def _delete(rng: Random, content: bytearray) -> str:
    at, size = rng.randrange(len(content)), rng.choice((1, 1, 2, 7, 40, 3000))
    del content[at : at + size]
    return f"delete {size} bytes at {at}"


def _swap(rng: Random, content: bytearray) -> str:
    size = rng.randint(1, max(1, len(content) // 4))
    a, b = sorted(rng.randrange(max(1, len(content) - size)) for _ in range(2))
    size = min(size, b - a)
    content[a : a + size], content[b : b + size] = content[b : b + size], content[a : a + size]
    return f"swap {size} bytes at {a} and {b}"


def _repeat(rng: Random, content: bytearray) -> str:
    at, size = rng.randrange(len(content)), rng.randint(1, max(1, len(content) // 4))
    times = rng.choice((1, 1, 3))
    content[at:at] = content[at : at + size] * times
    return f"repeat {size} bytes at {at} {times} times"


def _blank(rng: Random, content: bytearray) -> str:
    at, size, byte = rng.randrange(len(content)), rng.choice((4, 512, 4096)), rng.choice((0, 0, 255, 0x20))
    size = min(size, len(content) - at)
    content[at : at + size] = bytes([byte]) * size
    return f"{size} bytes of {byte:#x} at {at}"


def _fit_header(rng: Random, content: bytearray) -> str:
    sizes = (0, 1, len(content), len(content) - 16, 2**31, 2**32 - 1, rng.randrange(2 * len(content)))
    value = rng.choice(sizes)
    if rng.random() < 0.2:
        content[0] = rng.choice((0, 11, 12, 13, 14, 15, 200, 255))
        return f"header of {content[0]} bytes"
    content[4:8] = struct.pack("<I", max(0, value))
    return f"data size {value} in the header"


def _fit_definition(rng: Random, content: bytearray) -> str:
    found = [match.start() for match in _DEFINITION.finditer(content, 12)]
    if not found:
        return _flip(rng, content)
    at = rng.choice(found)
    fields = content[at + 5]
    what = rng.randrange(7)
    if what < 4:
        field = at + 6 + 3 * rng.randrange(fields)
        part, values = (
            (0, (*range(0, 10), 253, 254, 73, 78, 136)),
            (1, (0, 1, 2, 3, 4, 8, 16, 255)),
            (2, (0, 1, 2, 7, 0x0A, 0x0D, 0x83, 0x84, 0x85, 0x86, 0x88, 0x89, 0x8B, 0x8E, 0x8F, 0x90, 0xFF)),
            (1, (0, 1, 255)),
        )[what]
        if field + part < len(content):
            content[field + part] = rng.choice(values)
        return f"field at {field} of the definition at {at}: byte {part} changed"
    if what == 4:
        content[at + 5] = rng.choice((0, max(0, fields - 1), min(255, fields + 1), 255))
        return f"definition at {at} of {content[at + 5]} fields"
    if what == 5:
        content[at + 2] ^= 1
        return f"byte order of the definition at {at}"
    numbers = (0, 18, 19, 20, 21, 23, 34, 206, 225, 162, 65535)
    content[at + 3 : at + 5] = struct.pack("<H", rng.choice(numbers))
    return f"another message number in the definition at {at}"


def _fit_local(rng: Random, content: bytearray) -> str:
    found = [match.start() for match in _DEFINITION.finditer(content, 12)]
    if not found:
        return _cut(rng, content)
    at = rng.choice(found)
    content[at] = 0x40 | rng.randrange(64)
    return f"header {content[at]:#x} of the definition at {at}"


def _fit_chain(rng: Random, content: bytearray) -> str:
    times = rng.choice((1, 1, 2, 4))
    content += bytes(content) * times
    return f"chained {times} times"


def _fit_seal(_: Random, content: bytearray) -> str:
    if len(content) < 16:
        return "nothing"
    content[4:8] = struct.pack("<I", max(0, len(content) - content[0] - 2))
    content[-2:] = struct.pack("<H", crc16(bytes(content[:-2])))
    return "size and checksum made to fit"


def _replace(rng: Random, content: bytearray, pattern: re.Pattern[bytes], choices: Sequence[bytes]) -> str:
    start = rng.randrange(len(content))
    found = pattern.search(content, start) or pattern.search(content)
    if found is None:
        return _flip(rng, content)
    new = rng.choice(choices)
    at = found.start()
    content[at : found.end()] = new
    return f"{new[:30]!r} in place of {found.end() - at} bytes at {at}"


def _xml_number(rng: Random, content: bytearray) -> str:
    return _replace(rng, content, _NUMBER, _ODD_NUMBERS)


def _xml_time(rng: Random, content: bytearray) -> str:
    return _replace(rng, content, _TIME, _ODD_TIMES)


def _xml_all_times(rng: Random, content: bytearray) -> str:
    found = _TIME.search(content, rng.randrange(len(content)))
    if found is None:
        return _xml_time(rng, content)
    old = found[0][: rng.choice((4, 10, 16))]
    new = rng.choice((b"1970", b"2024-05-04", b"0001", b"9999", b"x"))
    content[:] = content.replace(old, new)
    return f"every {old!r} made {new!r}"


def _xml_tag(rng: Random, content: bytearray) -> str:
    return _replace(
        rng, content, _TAG, (b"", b"<", b">", b"<a>", b"</a>", b"<ele>", b"</trkpt>", b"</Track>")
    )


def _xml_insert(rng: Random, content: bytearray) -> str:
    at, new = rng.randrange(len(content) + 1), rng.choice(_ODD_MARKUP)
    if rng.random() < 0.5:
        at = content.find(b"<", at) if content.find(b"<", at) >= 0 else at
    content[at:at] = new
    return f"{new[:30]!r} at {at}"


def _xml_encoding(rng: Random, content: bytearray) -> str:
    new = rng.choice(_ODD_ENCODINGS)
    content[:] = b'<?xml version="1.0" encoding="' + new + b'"?>' + content[content.find(b"?>") + 2 :]
    return f"encoding {new!r}"


def _zip_header(rng: Random, content: bytearray) -> str:
    found = [match.start() for match in _ZIP_HEADER.finditer(content)]
    if not found:
        return _flip(rng, content)
    at = rng.choice(found) + rng.randrange(2, 46)
    new = rng.choice((b"\0", b"\1", b"\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", rng.randbytes(2)))
    content[at : at + len(new)] = new
    return f"{new.hex()} at {at}, in a zip header"


PLAIN: tuple[Mutation, ...] = (_cut, _flip, _insert, _delete, _swap, _repeat, _blank)
FIT: tuple[Mutation, ...] = (_fit_header, _fit_definition, _fit_definition, _fit_local, _fit_chain, _fit_seal)
XML: tuple[Mutation, ...] = (
    _xml_number,
    _xml_number,
    _xml_time,
    _xml_all_times,
    _xml_tag,
    _xml_tag,
    _xml_insert,
    _xml_encoding,
)
ARCHIVE: tuple[Mutation, ...] = (_zip_header, _zip_header, _zip_header)


def mutate(rng: Random, content: bytes) -> tuple[bytes, list[str]]:
    """Spoil content one to four times, in ways that suit its kind; what came out, and how."""
    spoilt = bytearray(content)
    own = FIT if content[8:12] == b".FIT" else ARCHIVE if content[:2] in (b"PK", b"\x1f\x8b") else XML
    recipe = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        if not spoilt:
            break
        recipe.append(rng.choice(own if rng.random() < 0.5 else PLAIN)(rng, spoilt))
    return bytes(spoilt), recipe


def pack(rng: Random, contents: Sequence[bytes]) -> tuple[bytes, str]:
    """An archive of these files: gzip of one, or a zip, which may hold a zip, gzips and other things."""
    if len(contents) == 1 and rng.random() < 0.5:
        return gzip.compress(contents[0], 1, mtime=0), "gzip"
    buffer = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(buffer, "w", method, compresslevel=1) as made:
        made.writestr("activities.csv", "Activity ID,Activity Date,Activity Name,Activity Type,Filename\n")
        for number, content in enumerate(contents):
            made.writestr(f"activities/{number}.bin", content)
            made.writestr(f"activities/{number}.gz", gzip.compress(content[:20_000], 1, mtime=0))
        if rng.random() < 0.3:
            made.writestr("inner.zip", buffer.getvalue())
    return buffer.getvalue(), f"zip of {len(contents)}"
