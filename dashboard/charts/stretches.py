"""Where a label holds without a break: shared by the charts of one run."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl


def stretches(terrain: pl.Series) -> Iterator[tuple[str | None, int, int]]:
    """Label, first row and row after the last of every stretch of equal labels (None is a label too)."""
    lengths = terrain.cast(pl.String).rle()
    start = 0
    for stretch in lengths.to_list():
        yield stretch["value"], start, start + stretch["len"]
        start += stretch["len"]
