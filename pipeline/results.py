"""What a worker hands over: plain values that cross a process border, no open files, no connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from pipeline.numeric import Array, Integers
from pipeline.rounded import RoundedGrid, RoundedTrack
from pipeline.tables import DataFrame, Dose, DoseByCategory, Effects, Residuals


@dataclass(frozen=True, slots=True)
class Passes:
    """What one run says of the places it crossed: `place` (n,) ascending, and per place its features (n,)."""

    place: Integers
    values: Mapping[str, Array]


NO_PASSES = Passes(np.zeros(0, np.int64), {})


@dataclass(frozen=True, slots=True)
class RunResult:
    """One analysed run: its row of Runs by column name, track and grid until they are packed, its moments."""

    run: Mapping[str, Any]
    track: RoundedTrack | None
    grid: RoundedGrid | None
    cadence_moments: list[float] = field(default_factory=list)
    passes: Passes = NO_PASSES
    channels: pl.DataFrame | None = None

    def without_frames(self) -> RunResult:
        """The same run, light enough to send to the driver once its frames lie in a pack."""
        return replace(self, track=None, grid=None, channels=None)


@dataclass(frozen=True, slots=True)
class Origin:
    """Digests of what a run's labels were made of, of the ground they say, and of what was measured."""

    labels: str
    ground: str
    stability: str


@dataclass(frozen=True, slots=True)
class Relabelled:
    """A run whose labels changed: the share of its distance, None where not known, and why."""

    run_id: str
    changed_share: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of one athlete, what it is made of, and what it leaves over."""

    dose: DataFrame[Dose]
    dose_by_category: DataFrame[DoseByCategory]
    effects: DataFrame[Effects]
    residuals: DataFrame[Residuals]


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one content (tables.Files). One per content: an exact copy found elsewhere is
    no result of its own, it is counted by being `Seen` twice."""

    source_name: str
    content_sha256: str
    size_bytes: int
    status: str  # run, duplicate, skipped or rejected
    analysis_version: int
    reason: str = ""
    advice: str = ""
    runs: tuple[RunResult, ...] = ()
    cadence_unit_given: str = ""
    kind_given: str = ""  # what an account's list says of its sport
    title_given: str = ""  # and what it calls it
    proposals: tuple[Mapping[str, Any], ...] = ()  # of a strength workout: rows of tables.ProposedSessions

    def without_frames(self) -> FileResult:
        """The same result with runs light enough to send to the driver."""
        return replace(self, runs=tuple(run.without_frames() for run in self.runs))


@dataclass(frozen=True, slots=True)
class Seen:
    """A path as it was when its content was read, so that it need not be read again while it is unchanged."""

    path: str
    size_bytes: int
    mtime_ns: int
    content_sha256: str


@dataclass(frozen=True, slots=True)
class PackRef:
    """A pack on disk that no row names yet: `run_ids` in the order of its row groups."""

    pack_id: str
    athlete_id: str
    analysis_version: int
    size_bytes: int
    run_ids: tuple[str, ...]
