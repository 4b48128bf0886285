"""The segments of one run as plain arrays, to and from their table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

import numpy as np
import polars as pl

from pipeline.columns import dtypes, numbers_of
from pipeline.numeric import Array, Integers, Mask
from pipeline.tables import DIRECTIONS, TERRAINS, DataFrame, Segments

_NUMBERS = ("start_s", "end_s", "start_m", "end_m", "grade_mean", "technicality_mean")


@dataclass(frozen=True, slots=True)
class RunSegments:
    """The segments of one run in their order: columns of tables.Segments, of one entry per segment.

    `terrain` and `direction` are indices into `tables.TERRAINS` and `tables.DIRECTIONS`.
    """

    terrain: Integers
    direction: Integers
    start_s: Array
    end_s: Array
    start_m: Array
    end_m: Array
    grade_mean: Array
    technicality_mean: Array
    passes: Integers
    reasons: Sequence[str]
    edited: Mask

    def __len__(self) -> int:
        return len(self.terrain)

    @classmethod
    def from_table(cls, rows: DataFrame[Segments]) -> RunSegments:
        """Of the rows of one run."""
        return cls(
            terrain=_codes(rows["terrain"]),
            direction=_codes(rows["direction"]),
            **{name: rows[name].to_numpy() for name in (*_NUMBERS, "passes", "edited")},
            reasons=rows["reasons"].to_list(),
        )

    def find_ground(self, elapsed_s: Integers) -> tuple[Integers, Array]:
        """Terrain and technicality of the segment that each second lies in; -1 and NaN where are none."""
        if not len(self):
            return np.full(len(elapsed_s), -1), np.full(len(elapsed_s), np.nan)
        inside = np.searchsorted(self.start_s, elapsed_s, side="right") - 1
        return self.terrain[inside], self.technicality_mean[inside]


def _codes(words: pl.Series) -> Integers:
    return words.to_physical().to_numpy().astype(np.int64)


def segments_table(of_runs: Mapping[str, RunSegments]) -> DataFrame[Segments]:
    """The segments of runs, by their ids, as their table."""
    if not of_runs:
        return Segments.create_empty()
    every = of_runs.values()

    def joined(name: str) -> Any:
        return np.concatenate([getattr(own, name) for own in every])

    counts = [len(own) for own in every]
    words = {
        name: [of[code] for code in joined(name).tolist()]
        for name, of in (("terrain", TERRAINS), ("direction", DIRECTIONS))
    }
    columns: dict[str, Any] = {
        "run_id": np.repeat(np.array(list(of_runs), dtype=np.object_), counts).tolist(),
        "segment_id": np.concatenate([np.arange(n) for n in counts]),
        **words,
        **numbers_of({name: joined(name) for name in _NUMBERS}),
        "passes": joined("passes"),
        "reasons": list(chain.from_iterable(own.reasons for own in every)),
        "edited": joined("edited"),
    }
    return cast(DataFrame[Segments], pl.DataFrame(columns, schema=dtypes(Segments)))
