"""Place memory: what all passes of a stretch of trail say together.

A place is a 25 m square of ground and a 45 degree sector of the direction of travel. Its score is the
mean over runs, averaged over the neighbouring squares and sectors with a kernel of 15 m, which is
what positions are off by, and of 10 m along the way. So the label of a place does not hang on one day's pace.

What a run adds is kept apart per run (`sum_passes`), so that the memory is learnt anew from all runs
without reading any recording again, and does not depend on the order in which they came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.numeric import EARTH_RADIUS_M, Array, Integers, Mask, stretches
from pipeline.results import Passes

SQUARE_M = 25.0
SECTORS = 8
ALONG_M, ACROSS_M = 10.0, 15.0  # of the kernel: less along the way, where ground changes
MIN_PASSES = 3
NOWHERE = -1
_METRES_PER_DEG = np.radians(1.0) * EARTH_RADIUS_M
# A place's number: sector in the lowest 3 bits, column in the next 22, row above; half the world is added
# to row and column, so that neighbours differ by fixed steps and none is negative.
_COLUMN, _ROW = 2**3, 2**25
_HALF = 2**20
_HEADING = np.arange(SECTORS) * 2 * np.pi / SECTORS


def _weights(north: int, east: int, turn: int) -> Array:
    """What a square beside and a sector beside weigh, by the sector (8,) of the place."""
    along = (north * np.cos(_HEADING) + east * np.sin(_HEADING)) * SQUARE_M
    across = (east * np.cos(_HEADING) - north * np.sin(_HEADING)) * SQUARE_M
    distance = (along / ALONG_M) ** 2 + (across / ACROSS_M) ** 2
    return np.asarray(np.exp(-distance / 2) * (0.5 if turn else 1.0))


# Step and turn to each place around, what it weighs, and whether who passed there counts as having passed
# here: the same square in a neighbouring sector, or the next square in the same.
_AROUND = [
    (
        north * _ROW + east * _COLUMN,
        turn,
        _weights(north, east, turn),
        abs(north) + abs(east) + abs(turn) <= 1,
    )
    for north in (-1, 0, 1)
    for east in (-1, 0, 1)
    for turn in (-1, 0, 1)
]


@dataclass(frozen=True, slots=True)
class Places:
    """What all runs say of each place: `place` (n,) ascending, its score, and how many runs saw it."""

    place: Integers
    score: Array
    passes: Integers

    def recall(self, place: Integers) -> tuple[Array, Integers]:
        """Score of each of `place`, NaN where fewer than 3 runs saw it, and the number of runs."""
        at, known = _find(self.place, place)
        passes = np.where(known, self.passes[at] if len(self.place) else 0, 0)
        score = self.score[at] if len(self.place) else np.full(len(place), np.nan)
        return np.where(passes >= MIN_PASSES, score, np.nan), passes


def place_ids(lat_deg: Array, lon_deg: Array, heading_deg: Array) -> Integers:
    """Number of the place of each position; NOWHERE where position or heading is missing."""
    known = np.isfinite(lat_deg) & np.isfinite(lon_deg) & np.isfinite(heading_deg)
    lat, lon, heading = (np.where(known, x, 0.0) for x in (lat_deg, lon_deg, heading_deg))
    band = np.round(lat, 1)  # one scale of longitude for all passes of a place
    row = np.floor(lat * _METRES_PER_DEG / SQUARE_M).astype(np.int64) + _HALF
    borders = stretches(band)
    narrowing = np.repeat(np.cos(np.radians(band[borders[:-1]])), np.diff(borders))
    column = np.floor(lon * _METRES_PER_DEG * narrowing / SQUARE_M).astype(np.int64) + _HALF
    sector = (np.round(heading / (360.0 / SECTORS)) % SECTORS).astype(np.int64)
    return np.where(known, row * _ROW + column * _COLUMN + sector, NOWHERE)


def sum_passes(place: Integers, values: Mapping[str, Array]) -> Passes:
    """Mean of each of `values` (n,) over the cells of each place; NaN left out, NaN where all are."""
    known = np.flatnonzero(place != NOWHERE)
    borders = stretches(place[known])  # a run stays in a place for some cells
    unique, visit = np.unique(place[known[borders[:-1]]], return_inverse=True)
    at = np.repeat(visit, np.diff(borders))
    own = np.array([value[known] for value in values.values()])
    finite = np.isfinite(own)
    own[~finite] = 0.0
    total, n = (np.array([np.bincount(at, row, len(unique)) for row in rows]) for rows in (own, finite))
    means = np.where(n > 0, total / np.maximum(n, 1), np.nan)
    return Passes(unique, dict(zip(values, means, strict=True)))


def learn_places(passes: Sequence[tuple[Integers, Array]]) -> Places:
    """What many runs say of each place, from each run's places (n,) and their scores (n,).

    A run counts once however often it came by, and as a pass of the squares beside its own as well.
    """
    run = np.repeat(np.arange(len(passes)), [len(place) for place, _ in passes])
    seen = np.concatenate([np.zeros(0, np.int64), *(place for place, _ in passes)])
    score = np.concatenate([np.zeros(0), *(score for _, score in passes)])
    known = np.isfinite(score)
    place, at = np.unique(seen[known], return_inverse=True)
    total, n = np.bincount(at, score[known], len(place)), np.bincount(at, minlength=len(place))
    totals, weights, crossed = np.zeros(len(place)), np.zeros(len(place)), []
    sector = place % SECTORS
    for (of, beside), (*_, weight, passed) in zip(_neighbours(place), _AROUND, strict=True):
        totals[of] += total[beside] * weight[sector[of]]
        weights[of] += n[beside] * weight[sector[of]]
        if passed:
            next_to = np.full(len(place), -1)
            next_to[of] = beside
            crossed.append(next_to[at])
    by_run = np.concatenate([of * len(passes) + run[known] for of in crossed])
    by_run = np.sort(by_run[by_run >= 0])
    seen_by = by_run[stretches(by_run)[:-1]] // max(len(passes), 1)
    return Places(place, totals / weights, np.bincount(seen_by, minlength=len(place)))


def _neighbours(place: Integers) -> list[tuple[Integers, Integers]]:
    """For each of `_AROUND`: which of `place` (n,) have a neighbour there that is one of them too, and which.

    Who is beside whom holds both ways, and `_AROUND` is the same backwards: half of them are looked for.
    """
    sector = place % SECTORS
    found = []
    for step, turn, *_ in _AROUND[: len(_AROUND) // 2]:
        at, there = _find(place, place - sector + step + (sector + turn) % SECTORS)
        found.append((np.flatnonzero(there), at[there]))
    itself = np.arange(len(place))
    return [*found, (itself, itself), *((beside, of) for of, beside in reversed(found))]


def places_around(place: Integers) -> Integers:
    """These places and their neighbours in every square and sector beside them, ascending."""
    sector = place % SECTORS
    around = [place - sector + step + (sector + turn) % SECTORS for step, turn, *_ in _AROUND]
    return np.unique(np.concatenate(around))


def _find(ascending: Integers, wanted: Integers) -> tuple[Integers, Mask]:
    """Where each of `wanted` stands in `ascending`, and whether it does."""
    at = np.minimum(np.searchsorted(ascending, wanted), max(len(ascending) - 1, 0))
    return at, ascending[at] == wanted if len(ascending) else np.zeros(len(wanted), bool)
