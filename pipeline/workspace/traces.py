"""Whether anything of a forgotten athlete is left: every byte of the workspace's folder is searched, and of
a database elsewhere all that it gives out.

What is sought is gathered before: the athlete's name, what only this athlete's recordings are called and
numbered, and some positions of them. It is sought in every file as it lies on the disk (the catalogue with
its free pages and write-ahead log among them), in originals and packs also as they are unpacked, and in all
names.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.columns import steps_per_unit
from pipeline.errors import SurefootError
from pipeline.objects import ObjectPlace
from pipeline.tables import Track
from pipeline.workspace.kept import Kept, place_below, seekable

SHORTEST_BYTES = 6
"""A shorter word is in other words by chance."""
_REACH_BYTES = 64
"""Within which a longitude follows its latitude, in a record or as text."""
_PIECE_BYTES = 2**20
_OVERLAP_BYTES = 2**12
"""Kept of the piece before: no word is longer."""
_PLACES = ("lat_deg", "lon_deg")


@dataclass(frozen=True, slots=True)
class Sought:
    """What would be a trace: words (`SHORTEST_BYTES` or more) with what each is, and positions, (latitude,
    longitude) in degrees.
    """

    words: dict[bytes, str]
    positions: Sequence[tuple[float, float]]


@dataclass(slots=True)
class Searched:
    """What a search went through, and what it found: (file, what of the athlete is in it), and the same of
    what a database has by name, its tables and what it counted of their columns. `objects` of the files lie
    in object storage.
    """

    files: int = 0
    objects: int = 0
    size_bytes: int = 0
    unpacked_bytes: int = 0
    tables: int = 0
    rows_bytes: int = 0
    found: list[tuple[Kept, str]] = field(default_factory=list)
    found_in_tables: list[tuple[str, str]] = field(default_factory=list)


def search_traces(path: Path, sought: Sought, kept: Kept | None = None) -> Searched:
    """Search every file below `path`, and below `kept` where that is elsewhere, and their names.

    Raises SurefootError where one cannot be read.
    """
    searched, needles = Searched(), _Needles(sought)
    places: list[Kept] = [*sorted(path.rglob("*")), *(kept.walk() if isinstance(kept, ObjectPlace) else [])]
    for file in places:
        found = needles.find_in(place_below(file, path).encode())
        if not isinstance(file, Path) or file.is_file():
            searched.files += 1
            searched.objects += isinstance(file, ObjectPlace)
            found |= _search_file(file, needles, sought.positions, searched)
        searched.found += [(file, what) for what in sorted(found)]
    return searched


def search_tables(tables: Iterable[tuple[str, Iterable[bytes]]], sought: Sought, searched: Searched) -> None:
    """Search what a database gives out, (name, pieces of bytes) each, and add it to what was `searched`."""
    needles = _Needles(sought)
    for name, pieces in tables:
        found: set[str] = set()
        searched.tables += 1
        searched.rows_bytes += _search_pieces(pieces, needles, found)
        searched.found_in_tables += [(name, what) for what in sorted(found)]


class _Needles:
    """What is sought as bytes, of which few are looked for in a piece: those whose first four are in it."""

    def __init__(self, sought: Sought) -> None:
        self._words = sought.words
        self._pairs = [
            pair for lat, lon in sought.positions for pair in zip(_writings(lat), _writings(lon), strict=True)
        ]
        heads = {_head(word) for word in self._words}
        heads |= {_head(first) for firsts, _ in self._pairs for first in firsts}
        self._heads = np.array(sorted(heads), dtype=np.uint32)
        self._is_likely = np.zeros(2**16, dtype=bool)
        self._is_likely[self._heads >> 16] = True

    def find_in(self, piece: bytes) -> set[str]:
        """What of it is in a piece."""
        there = self._heads_in(piece)
        found = {what for word, what in self._words.items() if _head(word) in there and word in piece}
        if any(
            _head(first) in there and _is_near(piece, first, seconds)
            for firsts, seconds in self._pairs
            for first in firsts
        ):
            found.add("a position")
        return found

    def _heads_in(self, piece: bytes) -> set[int]:
        found: set[int] = set()
        for start in range(min(4, len(piece) - 3)):
            fours = np.frombuffer(piece, "<u4", (len(piece) - start) // 4, start)
            found.update(np.intersect1d(fours[self._is_likely[fours >> 16]], self._heads).tolist())
        return found


def _head(needle: bytes) -> int:
    return int.from_bytes(needle[:4], "little")


def _writings(deg: float) -> list[list[bytes]]:
    """A coordinate as text, as a double of either byte order, and as FIT's semicircles.

    Of semicircles those beside it as well: what is known of a position comes from packs, which are a little
    coarser.
    """
    nearest = round(deg * 2**31 / 180)
    return [
        [f"{deg:.7f}"[:-2].encode()],
        *([struct.pack(order, deg)] for order in (">d", "<d")),
        *([struct.pack(order, nearest + step) for step in (-1, 0, 1)] for order in (">i", "<i")),
    ]


def _is_near(piece: bytes, first: bytes, seconds: Sequence[bytes]) -> bool:
    at = piece.find(first)
    while at >= 0:
        if any(piece.find(second, at, at + _REACH_BYTES) >= 0 for second in seconds):
            return True
        at = piece.find(first, at + 1)
    return False


def _search_file(
    file: Kept, needles: _Needles, positions: Sequence[tuple[float, float]], searched: Searched
) -> set[str]:
    found: set[str] = set()
    try:
        with file.open("rb") as content:
            searched.size_bytes += _search_stream(content, needles, found)
        if file.suffix == ".gz":
            with file.open("rb") as packed, gzip.open(packed) as unpacked:
                searched.unpacked_bytes += _search_stream(unpacked, needles, found)
        elif file.suffix == ".parquet":
            searched.unpacked_bytes += _search_pack(file, positions, found)
    except (FileNotFoundError, gzip.BadGzipFile, EOFError, zlib.error, pa.ArrowException):
        # Removed meanwhile, or only called so: its bytes have been searched.
        return found
    except OSError as error:
        raise SurefootError(f"{file} cannot be searched ({error.strerror})", "check its rights") from None
    return found


def _search_stream(content: IO[bytes] | gzip.GzipFile, needles: _Needles, found: set[str]) -> int:
    return _search_pieces(iter(partial(content.read, _PIECE_BYTES), b""), needles, found)


def _search_pieces(pieces: Iterable[bytes], needles: _Needles, found: set[str]) -> int:
    size, before = 0, b""
    for piece in pieces:
        size += len(piece)
        found |= needles.find_in(before + piece)
        before = piece[-_OVERLAP_BYTES:]
    return size


def _search_pack(file: Kept, positions: Sequence[tuple[float, float]], found: set[str]) -> int:
    steps = steps_per_unit(Track)
    wanted = pl.DataFrame(positions, schema=dict.fromkeys(_PLACES, pl.Float64), orient="row").select(
        (pl.col(name) * steps[name]).round().cast(pl.Int64) for name in _PLACES
    )
    size = 0
    with pq.ParquetFile(seekable(file)) as pack:
        if not set(_PLACES) <= set(pack.schema_arrow.names):
            return 0
        for run in range(pack.num_row_groups):
            stored = pl.DataFrame(pl.from_arrow(pack.read_row_group(run, columns=list(_PLACES))))
            places = stored.cast(pl.Int64)  # as older packs have them
            size += int(places.estimated_size())
            if len(places.join(wanted, on=_PLACES, how="semi")):
                found.add("a position")
    return size
