"""Zip, zip in zip and gzip become their files: told by content, bounded, streamed.

No member's name is ever a path on disk. What is unpacked is held in memory; a zip within a zip that is larger
than `SPOOL_BYTES` lies in a temporary file without a name, which the system removes with the process.
"""

from __future__ import annotations

import gzip
import io
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from pipeline.errors import Rejected

MAX_MEMBERS = 100_000
MAX_DIRECTORY_BYTES = 16 * 2**20
"""Of a zip's list of members, which is read whole: a hundred bytes or so each."""
MAX_DEPTH = 3
MAX_TOTAL_BYTES = 32 * 2**30
MAX_MEMBER_BYTES = 256 * 2**20
MAX_RATIO = 200
"""Above `RATIO_FROM_BYTES`: recordings shrink to a twentieth, bombs to a thousandth."""
RATIO_FROM_BYTES = 2**20
SPOOL_BYTES = 32 * 2**20
LISTS = ("activities.csv",)
"""Names of members that say something of the others, and so come first."""

_PIECE_BYTES = 2**18
_ENCRYPTED = 0x1
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNPACK = "unpack it yourself, and give the recordings"
_ZIP, _EMPTY_ZIP, _GZIP = b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b"
# What else zip knows expands, or asks for memory, without bounds.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error,
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


def members(name: str, source: bytes | IO[bytes]) -> Iterator[Member]:
    """The files inside, archives within archives opened too; a plain file yields itself.

    `source` are the bytes, or a file that can be sought and stays open meanwhile: one member is held at a
    time. A member that is encrypted, damaged or too large yields its problem and costs only itself. Members
    are named "archive.zip/inner.fit"; folders and what macOS adds are no members.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    size = file.seek(0, io.SEEK_END)
    budget = _Budget(MAX_MEMBERS, min(MAX_TOTAL_BYTES, MAX_MEMBER_BYTES + MAX_RATIO * size))
    return _open(name, file, size, MAX_DEPTH, budget)


def _open(name: str, file: IO[bytes], size: int, depth: int, budget: _Budget) -> Iterator[Member]:
    file.seek(0)
    head = file.read(4096)
    file.seek(0)
    if not is_archive(head):
        yield Member(name, file.read())
    elif depth == 0:
        yield Member(name, problem=Rejected(f"it lies in more than {MAX_DEPTH} archives", _UNPACK))
    elif head.startswith(_GZIP):
        yield from _open_gzip(name, file, size, depth, budget)
    else:
        yield from _open_zip(name, file, size, depth, budget)


def _open_gzip(name: str, file: IO[bytes], size: int, depth: int, budget: _Budget) -> Iterator[Member]:
    try:
        with gzip.open(file) as stream:
            inner = _unpack(stream, size, budget)
    except Rejected as problem:
        yield Member(name, problem=problem)
    except _UNREADABLE:
        yield Member(name, problem=Rejected("the gzip archive is cut off or damaged", "download it again"))
    else:
        with inner:
            yield from _open(name.removesuffix(".gz"), inner, inner.tell(), depth - 1, budget)


def _open_zip(name: str, file: IO[bytes], size: int, depth: int, budget: _Budget) -> Iterator[Member]:
    try:
        archive = zipfile.ZipFile(_Bounded(file))
    except Rejected as problem:
        yield Member(name, problem=problem)
        return
    except _UNREADABLE:
        yield Member(name, problem=Rejected("the zip archive is cut off or damaged", "download it again"))
        return
    for entry in sorted(archive.infolist(), key=lambda entry: _last_part(entry.filename) not in LISTS):
        if entry.filename.endswith("/") or entry.filename.startswith("__MACOSX/"):
            continue
        budget.members -= 1
        if budget.members < 0:
            yield Member(name, problem=_too_many())
            return
        inner_name = f"{name}/{_UNPRINTABLE.sub('', entry.filename)}"
        try:
            _check_entry(entry)
            with archive.open(entry) as stream:
                inner = _unpack(stream, min(entry.compress_size, size), budget)
        except Rejected as problem:
            yield Member(inner_name, problem=problem)
        except _UNREADABLE:
            yield Member(inner_name, problem=Rejected("it is damaged in its archive", "download it again"))
        else:
            with inner:
                yield from _open(inner_name, inner, inner.tell(), depth - 1, budget)


def _last_part(name: str) -> str:
    return name.rpartition("/")[2]


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise Rejected("it is encrypted", "unpack the archive with its password first")
    if entry.compress_type not in _METHODS:
        raise Rejected("it is packed in an unusual way", _UNPACK)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Rejected("it is a link to a file, not a file", _UNPACK)


def _too_many() -> Rejected:
    return Rejected(f"it holds more than {MAX_MEMBERS:,} files", _UNPACK)


class _Bounded:
    """A file for `ZipFile`, which reads a list of members in one piece, however long it claims to be."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """So many bytes. Raises Rejected where that is more than any list of members has."""
        if size > MAX_DIRECTORY_BYTES:
            raise _too_many()
        return self._file.read(size)


def _unpack(stream: IO[bytes] | gzip.GzipFile, compressed_bytes: int, budget: _Budget) -> IO[bytes]:
    """All of a compressed stream, standing at its end, unless it grows beyond what a recording can be."""
    unpacked = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115
    most = MAX_MEMBER_BYTES
    try:
        while piece := stream.read(_PIECE_BYTES):
            if unpacked.tell() == 0 and piece.startswith(_ZIP):
                most = MAX_TOTAL_BYTES
            unpacked.write(piece)
            budget.bytes -= len(piece)
            size = unpacked.tell()
            if size > most or (size > RATIO_FROM_BYTES and size > MAX_RATIO * compressed_bytes):
                raise Rejected("it unpacks to far more than a recording can be", _UNPACK)
            if budget.bytes < 0:
                raise Rejected(f"the archive unpacks to more than {MAX_TOTAL_BYTES // 2**30} GB", _UNPACK)
    except BaseException:
        unpacked.close()
        raise
    return unpacked
