"""Keep what takes long to work out for as long as the workspace stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
CATALOGUE_FILES = ("catalogue.sqlite", "catalogue.sqlite-wal")


class Memo:
    """Results by key; all are let go when the catalogue at `path` was written to, or is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._results: dict[Hashable, object] = {}
        self._state: tuple[tuple[int, int], ...] = ()

    def __call__(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, or gave for this key since the catalogue was last written to."""
        state = self._look()
        if state != self._state or not state:
            self._results, self._state = {}, state
        if key not in self._results:
            self._results[key] = make()
        return self._results[key]  # type: ignore[return-value]

    def _look(self) -> tuple[tuple[int, int], ...]:
        stats = [file.stat() for name in CATALOGUE_FILES if (file := self._path / name).exists()]
        return tuple((stat.st_mtime_ns, stat.st_size) for stat in stats)
