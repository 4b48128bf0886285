"""Zip, zip in zip and gzip become their files: told by content, bounded, nothing ever written."""

from __future__ import annotations

import gzip
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from pipeline.errors import Rejected

MAX_MEMBERS = 20_000
MAX_DEPTH = 3
MAX_TOTAL_BYTES = 4 * 2**30
MAX_MEMBER_BYTES = 256 * 2**20
MAX_RATIO = 200
"""Above `RATIO_FROM_BYTES`: recordings shrink to a twentieth, bombs to a thousandth."""
RATIO_FROM_BYTES = 2**20

_PIECE_BYTES = 2**18
_ENCRYPTED = 0x1
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNPACK = "unpack it yourself, and give the recordings"
_ZIP, _EMPTY_ZIP, _GZIP = b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b"
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
    EOFError, OSError, NotImplementedError, RuntimeError, ValueError, OverflowError,
)  # fmt: skip
"""What the standard library raises on archives that are damaged or made to harm."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file: its bytes, or the problem that kept them from being read."""

    name: str
    content: bytes | None = None
    problem: Rejected | None = None


@dataclass(slots=True)
class _Budget:
    """What may still be read, over everything inside."""

    members: int
    bytes: int


def is_archive(content: bytes) -> bool:
    """Whether the bytes are a zip or gzip; an Office document, though a zip, is a file."""
    is_zip = content.startswith((_ZIP, _EMPTY_ZIP)) and b"[Content_Types].xml" not in content[:4096]
    return is_zip or content.startswith(_GZIP)


def members(name: str, content: bytes) -> Iterator[Member]:
    """The files inside, archives within archives opened too; a plain file yields itself.

    A member that is encrypted, damaged or too large yields its problem and costs only itself. Members
    are named "archive.zip/inner.fit"; folders and what macOS adds are no members.
    """
    return _open(name, content, MAX_DEPTH, _Budget(MAX_MEMBERS, MAX_TOTAL_BYTES))


def _open(name: str, content: bytes, depth: int, budget: _Budget) -> Iterator[Member]:
    if not is_archive(content):
        yield Member(name, content)
    elif depth == 0:
        yield Member(name, problem=Rejected(f"it lies in more than {MAX_DEPTH} archives", _UNPACK))
    elif content.startswith(_GZIP):
        yield from _open_gzip(name, content, depth, budget)
    else:
        yield from _open_zip(name, content, depth, budget)


def _open_gzip(name: str, content: bytes, depth: int, budget: _Budget) -> Iterator[Member]:
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            inner = _read(stream, len(content), budget)
    except Rejected as problem:
        yield Member(name, problem=problem)
    except _UNREADABLE:
        yield Member(name, problem=Rejected("the gzip archive is cut off or damaged", "download it again"))
    else:
        yield from _open(name.removesuffix(".gz"), inner, depth - 1, budget)


def _open_zip(name: str, content: bytes, depth: int, budget: _Budget) -> Iterator[Member]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _UNREADABLE:
        yield Member(name, problem=Rejected("the zip archive is cut off or damaged", "download it again"))
        return
    for entry in archive.infolist():
        if entry.is_dir() or entry.filename.startswith("__MACOSX/"):
            continue
        budget.members -= 1
        if budget.members < 0:
            yield Member(name, problem=Rejected(f"it holds more than {MAX_MEMBERS:,} files", _UNPACK))
            return
        inner_name = f"{name}/{_UNPRINTABLE.sub('', entry.filename)}"
        try:
            if entry.flag_bits & _ENCRYPTED:
                raise Rejected("it is encrypted", "unpack the archive with its password first")
            with archive.open(entry) as stream:
                inner = _read(stream, entry.compress_size, budget)
        except Rejected as problem:
            yield Member(inner_name, problem=problem)
        except _UNREADABLE:
            yield Member(inner_name, problem=Rejected("it is damaged in its archive", "download it again"))
        else:
            yield from _open(inner_name, inner, depth - 1, budget)


def _read(stream: IO[bytes] | gzip.GzipFile, compressed_bytes: int, budget: _Budget) -> bytes:
    """All of a compressed stream, unless it grows beyond what a recording can be."""
    pieces: list[bytes] = []
    size = 0
    while piece := stream.read(_PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        budget.bytes -= len(piece)
        if size > MAX_MEMBER_BYTES or (size > RATIO_FROM_BYTES and size > MAX_RATIO * compressed_bytes):
            raise Rejected("it unpacks to far more than a recording can be", _UNPACK)
        if budget.bytes < 0:
            raise Rejected(f"the archive unpacks to more than {MAX_TOTAL_BYTES // 2**30} GB", _UNPACK)
    return b"".join(pieces)
