"""A run's seconds as plain arrays: what steadiness is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipeline.numeric import Array, Integers
from pipeline.tables import CADENCE_FLAGS, GAITS, DataFrame, Track

MEASURED = ("elapsed_s", "speed_mps", "cadence_spm", "grade", "gait", "cadence_flag")
"""The columns of a track that are read here."""
RUN, WALK, STAND = (GAITS.index(gait) for gait in ("run", "walk", "stand"))
N_TERMS = 5
_OK = CADENCE_FLAGS.index("ok")


@dataclass(frozen=True)
class Seconds:
    """A run second by second: arrays of one entry per kept second, NaN where not known.

    `gait` and `cadence_flag` are indices into `tables.GAITS` and `tables.CADENCE_FLAGS`.
    """

    elapsed_s: Integers
    speed_mps: Array
    cadence_spm: Array
    grade: Array
    gait: Integers
    cadence_flag: Integers

    def __len__(self) -> int:
        return len(self.elapsed_s)

    @cached_property
    def usable_spm(self) -> Array:
        """Cadence where it counts, NaN elsewhere: while running, its flag ok and the speed known."""
        usable = (self.gait == RUN) & (self.cadence_flag == _OK) & np.isfinite(self.speed_mps)
        return np.where(usable, self.cadence_spm, np.nan)

    @cached_property
    def terms(self) -> Array:
        """Columns 1, v, v^2, g, g^2 of shape (seconds, 5); an unknown speed or grade counts as 0."""
        terms = np.ones((len(self), N_TERMS))
        for k, value in ((1, self.speed_mps), (3, self.grade)):
            terms[:, k] = np.where(np.isnan(value), 0.0, value)
            np.square(terms[:, k], out=terms[:, k + 1])
        return terms


def read_seconds(track: DataFrame[Track]) -> Seconds:
    """The columns `MEASURED` of a track as arrays."""
    numbers = (track[name].to_numpy() for name in MEASURED[:4])
    codes = (track[name].to_physical().to_numpy() for name in MEASURED[4:])
    return Seconds(*numbers, *codes)
