"""Like for like: the same stretch of trail, each time that it was run.

1. Ground that no known stretch covers is cut into stretches of 500 m along the run that first went there
   (`learn_stretches`): a point every 50 m, with its direction. They stay as they are from then on, so that a
   stretch keeps its name whatever comes later.
2. A run passes a stretch where it comes within 25 m of nine of its eleven points in their order, the first
   and the last among them, in the same direction, over 500 m give or take 15 % (`find_passes`).

Positions are off by 10 to 15 m. Labels of the ground take no part in it: they may change, the trail does not.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain, count, pairwise, repeat
from typing import Any, cast

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from pipeline.cells import Cells
from pipeline.columns import dtypes, numbers_of
from pipeline.metrics import Windows
from pipeline.numeric import EARTH_RADIUS_M, Array, Integers, Mask, RunningSums, stretches
from pipeline.stability import measure_parts
from pipeline.tables import DataFrame, Repeats, Stretches
from pipeline.windows import WINDOW_S, Adjusted, cut_windows, join_windows

MIN_RUNS = 5
CELL_M = 5.0
SPACING_CELLS = 10
POINTS = 11
LENGTH_CELLS = SPACING_CELLS * (POINTS - 1)
REACH_M = 25.0
SAME_WAY_DEG = 60.0
MIN_POINTS = 9
OFF_LENGTH = 0.15
SHORTEST_CELLS = math.floor((1 - OFF_LENGTH) * LENGTH_CELLS)
LONGEST_CELLS = math.ceil((1 + OFF_LENGTH) * LENGTH_CELLS)
_OUTLYING_DEG = 2 * REACH_M / (np.radians(1.0) * EARTH_RADIUS_M)

_NO_POINTS: Array = np.zeros((0, POINTS, 3))

Pass = tuple[str, int, int]  # stretch, first cell, cell after the last


class KnownStretches:
    """Names, the elder first, and points (n, 11, 3): latitude, longitude and heading in degrees."""

    def __init__(self, stretch_id: Iterable[str] = (), points: Array = _NO_POINTS) -> None:
        self.stretch_id = list(stretch_id)
        self._room = points

    @property
    def points(self) -> Array:
        """Of all of them."""
        return self._room[: len(self)]

    def add(self, later: KnownStretches) -> None:
        """Add others. There is room for as many again, so that run by run none is copied more than twice."""
        n, needed = len(self), len(self) + len(later)
        if needed > len(self._room):
            self._room = np.concatenate([self.points, np.empty((2 * needed - n, POINTS, 3))])
        self._room[n:needed] = later.points
        self.stretch_id += later.stretch_id

    @classmethod
    def from_table(cls, table: DataFrame[Stretches]) -> KnownStretches:
        """Of the table that keeps them."""
        ordered = table.sort("rank", "stretch_id", "point")
        points = ordered.select("lat_deg", "lon_deg", "heading_deg").to_numpy().reshape(-1, POINTS, 3)
        return cls(ordered["stretch_id"].gather_every(POINTS), points)

    def to_table(self, first_rank: int = 0) -> DataFrame[Stretches]:
        """The table that keeps them; `first_rank` stretches were known before."""
        n = len(self)
        lat, lon, heading = self.points.reshape(-1, 3).T
        columns = {
            "stretch_id": np.repeat(np.array(self.stretch_id, dtype=np.str_), POINTS).tolist(),
            "point": np.tile(np.arange(POINTS), n),
            "rank": first_rank + np.repeat(np.arange(n), POINTS),
            "lat_deg": lat,
            "lon_deg": lon,
            "heading_deg": heading,
        }
        return Stretches.cast(pl.DataFrame(columns, schema=dtypes(Stretches)))

    def __len__(self) -> int:
        return len(self.stretch_id)

    def where(self, kept: Mask) -> KnownStretches:
        """Some of them, by a mask (n,)."""
        chosen = np.flatnonzero(kept)
        return KnownStretches((self.stretch_id[k] for k in chosen), self.points[chosen])


class _Way:
    """The cells of a run, and which of them are on a pass already."""

    def __init__(self, cells: Cells) -> None:
        self.lat, self.lon, self.heading = (cells[name] for name in ("lat_deg", "lon_deg", "heading_deg"))
        self.known: Mask = np.isfinite(self.lat) & np.isfinite(self.lon) & np.isfinite(self.heading)
        self.taken: Mask = np.zeros(len(self.lat), dtype=bool)
        self.there = np.flatnonzero(self.known)
        self.at = _xyz(self.lat[self.there], self.lon[self.there])
        self.tree = _tree(self.at)

    def take(self, known: KnownStretches) -> list[Pass]:
        """The passes of these stretches; of two that overlap by over 100 m the elder."""
        if not len(self.there):
            return []
        near = known.where(self._beside(known))
        near = near.where(np.array([len(begun) > 0 for begun in self._begun(near)], dtype=bool))
        return self._claim(near.stretch_id, self._follow(near))

    def take_cut(self, new: KnownStretches, starts: Integers) -> list[Pass]:
        """The passes of stretches that were `cut` of this way itself, from the cells `starts` on."""
        found: list[Pass] = []
        for n, (start, begun) in enumerate(zip(starts.tolist(), self._begun(new), strict=True)):
            name = new.stretch_id[n : n + 1]
            free = [first for first in begun if self._is_free(first, first + SHORTEST_CELLS)]
            if free == [start]:  # the way that it was cut of, and no other
                found += self._claim(name, {0: [(start, start + LENGTH_CELLS)]})
            elif free:
                found += self._claim(name, self._follow(KnownStretches(name, new.points[n : n + 1])))
        return found

    def _begun(self, of: KnownStretches) -> list[list[int]]:
        """Of each stretch the visits to its first point that one to its last follows at the right distance.

        Only these can be passes: most stretches nearby are ruled out by their two ends.
        """
        point, cell = self._visits(of.points[:, [0, -1]].reshape(-1, 3))
        borders = np.searchsorted(point, np.arange(2 * len(of) + 1)).tolist()
        visits = [cell[a:b].tolist() for a, b in pairwise(borders)]
        return [
            [first for first in firsts if _is_between(first + SHORTEST_CELLS, lasts, first + LONGEST_CELLS)]
            for firsts, lasts in zip(visits[::2], visits[1::2], strict=True)
        ]

    def _claim(self, names: Sequence[str], ways: Mapping[int, Iterable[tuple[int, int]]]) -> list[Pass]:
        """Those of the `ways` along stretches, by their number, that no elder one has taken."""
        found: list[Pass] = []
        for n, along in ways.items():
            for start, end in along:
                if self._is_free(start, end):
                    self.taken[start:end] = True
                    found.append((names[n], start, end))
        return found

    def _is_free(self, start: int, end: int) -> bool:
        return int(np.count_nonzero(self.taken[start:end])) * CELL_M <= 100.0

    def _follow(self, near: KnownStretches) -> dict[int, list[tuple[int, int]]]:
        """First and last cell of each time that the way follows one of these, by the number of it."""
        if not len(near):
            return {}
        point, cell = self._visits(near.points.reshape(-1, 3))
        bounds = np.searchsorted(point, np.arange(len(near) * POINTS + 1)).tolist()
        cells = cell.tolist()
        found = {}
        for n in _candidates(point, len(near)):
            of_points = bounds[n * POINTS : (n + 1) * POINTS + 1]
            found[n] = list(_follow([cells[a:b] for a, b in pairwise(of_points)]))
        return found

    def _beside(self, known: KnownStretches) -> Mask:
        """The stretches whose first point lies in the rectangle about the run."""
        lat, lon = self.lat[self.there], self.lon[self.there]
        wide = _OUTLYING_DEG / max(float(np.cos(np.radians(np.abs(lat).max()))), 0.01)
        inside: Mask = np.ones(len(known), dtype=bool)
        for own, first, margin in (
            (lat, known.points[:, 0, 0], _OUTLYING_DEG),
            (lon, known.points[:, 0, 1], wide),
        ):
            inside &= (first >= own.min() - margin) & (first <= own.max() + margin)
        return inside

    def _visits(self, points: Array) -> tuple[Integers, Integers]:
        """The point and the cell of each visit to one of `points` (n, 3), by point and then by cell.

        A point is visited where the way comes within reach of it in its direction.
        """
        tree = _tree(_xyz(points[:, 0], points[:, 1]))
        met = tree.sparse_distance_matrix(self.tree, REACH_M, output_type="ndarray")
        point, cell = met["i"], self.there[met["j"]]
        turn = np.abs(points[point, 2] - self.heading[cell])
        same_way = np.flatnonzero(np.minimum(turn, 360.0 - turn) < SAME_WAY_DEG)
        # So far apart that the last cell at one point and the first at the next are two visits.
        apart = len(self.known) + SPACING_CELLS
        place = point[same_way] * apart + cell[same_way]
        order = np.argsort(place, kind="stable")
        return np.divmod(_closest(place[order], met["v"][same_way[order]]), apart)

    def cut(self) -> tuple[KnownStretches, Integers]:
        """Stretches of the ground that no pass covers, each name once, and the cells they start from."""
        free = self.known & ~self.taken
        starts = [
            start
            for a, b in pairwise(stretches(free).tolist())
            for start in (range(a, b - LENGTH_CELLS, LENGTH_CELLS) if b > a and free[a] else ())
        ]
        at = np.array(starts, dtype=np.int64)[:, None] + SPACING_CELLS * np.arange(POINTS)
        points = np.stack([self.lat[at], self.lon[at], self.heading[at]], axis=2)
        about = np.round(points[:, :, :2].swapaxes(1, 2), 4)
        found: dict[str, int] = {}
        for k in range(len(starts)):
            found.setdefault(hashlib.blake2b(about[k].tobytes(), digest_size=6).hexdigest(), k)
        kept = list(found.values())
        return KnownStretches(found, points[kept]), at[kept, 0]


def find_passes(cells: Cells, known: KnownStretches) -> list[Pass]:
    """Where a run passed stretches, in order of the way; of two that overlap by over 100 m the elder."""
    return sorted(_Way(cells).take(known), key=_by_start)


def _by_start(one: Pass) -> int:
    return one[1]


def _xyz(lat_deg: Array, lon_deg: Array) -> Array:
    """Metres from the middle of the earth, of shape (n, 3): no pole, no date line."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    flat = np.cos(lat)
    return EARTH_RADIUS_M * np.stack([flat * np.cos(lon), flat * np.sin(lon), np.sin(lat)], axis=1)


def _tree(at: Array) -> cKDTree:
    """Quick to build: each is asked but once or twice."""
    return cKDTree(at, balanced_tree=False, compact_nodes=False)


def _closest(place: Integers, off_m: Array) -> Integers:
    """Of ascending places on the way the closest one of each visit; over 50 m of way apart are two visits."""
    begins = np.concatenate(
        [np.zeros(min(len(place), 1), np.int64), np.flatnonzero(place[1:] - place[:-1] > SPACING_CELLS) + 1]
    )
    least = np.minimum.reduceat(off_m, begins) if len(place) else off_m
    closest = np.flatnonzero(off_m == np.repeat(least, np.diff(begins, append=len(place))))
    return place[closest[np.searchsorted(closest, begins)]]  # of two that are as close the first


def _is_between(low: int, ascending: list[int], high: int) -> bool:
    """Whether any is from `low` to `high`."""
    at = bisect_left(ascending, low)
    return at < len(ascending) and ascending[at] <= high


def _candidates(point: Integers, n: int) -> list[int]:
    """Which of `n` stretches had nine points visited, the first and the last among them."""
    visited: Mask = np.zeros(n * POINTS, dtype=bool)
    visited[point] = True
    of = visited.reshape(n, POINTS)
    return np.flatnonzero((of.sum(axis=1) >= MIN_POINTS) & of[:, 0] & of[:, -1]).tolist()


def _follow(visits: list[list[int]]) -> Iterator[tuple[int, int]]:
    """First and last cell of each time that the points were visited in their order.

    `visits` are the cells of each point, ascending. The next is the one nearest to where it is expected.
    """
    for start in visits[0]:
        at, seen = start, 1
        for k in range(1, POINTS):
            expected = start + k * SPACING_CELLS
            beyond = bisect_left(visits[k], max(expected, at + 1))
            nearest, off = at, np.inf
            for cell in visits[k][max(beyond - 1, 0) : beyond + 1]:
                if cell > at and abs(cell - expected) < off:
                    nearest, off = cell, abs(cell - expected)
            if off <= SPACING_CELLS / 2 + OFF_LENGTH * k * SPACING_CELLS:
                at, seen = nearest, seen + 1
            elif k == POINTS - 1:
                seen = 0
        if seen >= MIN_POINTS and abs((at - start) / LENGTH_CELLS - 1) <= OFF_LENGTH:
            yield start, at


def learn_stretches(cells: Cells, known: KnownStretches) -> tuple[list[Pass], KnownStretches]:
    """The passes of a run, and the stretches that are new: of its ground that no known one covers."""
    way = _Way(cells)
    passes = way.take(known)
    new, starts = way.cut()
    passes_of_new = way.take_cut(new, starts)
    # Laps of the same ground make the same stretch more than once: only one of them is passed.
    passed = {stretch_id for stretch_id, _, _ in passes_of_new}
    kept = np.array([stretch_id in passed for stretch_id in new.stretch_id], dtype=bool)
    return sorted([*passes, *passes_of_new], key=_by_start), new.where(kept)


@dataclass(frozen=True, slots=True)
class Passed:
    """The stretches that a run passed, one entry per pass, and the windows of 20 s on them.

    The `terrain` of a window is the number of its pass.
    """

    run_id: str
    local_date: date
    stretch_id: list[str]
    pass_in_run: list[int]
    start_s: Array
    end_s: Array
    start_m: Array
    end_m: Array
    grade_mean: Array
    technicality_mean: Array
    windows: Windows

    def __len__(self) -> int:
        return len(self.stretch_id)


def cut_passes(
    run: Mapping[str, Any],
    cells: Cells,
    adjusted: Adjusted,
    technicality: Array,
    passes: Sequence[Pass],
) -> Passed:
    """Windows on each stretch that a run passed, wherever its ground begins or ends.

    `technicality` is of each second's ground.
    """
    elapsed, distance, grade = (cells[name] for name in ("elapsed_s", "distance_m", "grade"))
    start, end = (np.array([one[k] for one in passes], dtype=np.int64) for k in (1, 2))
    first, last = np.searchsorted(adjusted.seconds.elapsed_s, [elapsed[start], elapsed[end]])
    part = np.full(len(technicality), -1)
    for k, (a, b) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        part[a:b] = k
    times = defaultdict[str, Iterator[int]](count)
    return Passed(
        run_id=run["run_id"],
        local_date=run["local_date"],
        stretch_id=[stretch_id for stretch_id, _, _ in passes],
        pass_in_run=[next(times[stretch_id]) for stretch_id, _, _ in passes],
        start_s=elapsed[start],
        end_s=elapsed[end],
        start_m=distance[start],
        end_m=distance[end],
        grade_mean=RunningSums.of(grade).mean(start, end),
        technicality_mean=_means(technicality, part, len(passes)),
        windows=cut_windows(adjusted, part),
    )


def _means(value: Array, part: Integers, n: int) -> Array:
    """Mean of what is known of each of `n` parts; `part` is -1 where there is none."""
    at = np.flatnonzero((part >= 0) & np.isfinite(value))
    known = np.bincount(part[at], minlength=n)
    return np.asarray(np.bincount(part[at], value[at], n) / np.where(known > 0, known, np.nan))


def measure_passes(of_runs: Sequence[Passed]) -> DataFrame[Repeats]:
    """Steadiness on each stretch that these runs passed."""
    sizes = [len(own) for own in of_runs]
    windows = join_windows([own.windows for own in of_runs])
    first = np.repeat(np.cumsum([0, *sizes[:-1]]), [len(own.windows) for own in of_runs])
    measured = measure_parts(replace(windows, terrain=windows.terrain + first), sum(sizes))
    names = ("start_s", "end_s", "start_m", "end_m", "grade_mean", "technicality_mean")
    numbers = {name: np.concatenate([getattr(own, name) for own in of_runs]) for name in names}
    columns = {
        "stretch_id": list(chain.from_iterable(own.stretch_id for own in of_runs)),
        "run_id": list(chain.from_iterable(repeat(own.run_id, len(own)) for own in of_runs)),
        "pass_in_run": list(chain.from_iterable(own.pass_in_run for own in of_runs)),
        "local_date": list(chain.from_iterable(repeat(own.local_date, len(own)) for own in of_runs)),
        **numbers_of(numbers | {"cadence_cv": measured.value, "low": measured.low, "high": measured.high}),
        "n_windows": measured.n_windows,
        "seconds": measured.n_windows * float(WINDOW_S),
    }
    kinds = dtypes(Repeats)
    return cast(DataFrame[Repeats], pl.DataFrame({name: columns[name] for name in kinds}, schema=kinds))


def often_passed(repeats: DataFrame[Repeats]) -> DataFrame[Repeats]:
    """The passes of those stretches that five runs or more passed."""
    often = pl.col("run_id").n_unique().over("stretch_id") >= MIN_RUNS
    return cast(DataFrame[Repeats], repeats.filter(often))
