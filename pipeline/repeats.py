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
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, cast

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from pipeline.numeric import EARTH_RADIUS_M, Array, Integers, Mask, stretches
from pipeline.tables import DataFrame, Grid, Repeats, Stretches

MIN_RUNS = 5
CELL_M = 5.0
SPACING_CELLS = 10
POINTS = 11
LENGTH_CELLS = SPACING_CELLS * (POINTS - 1)
REACH_M = 25.0
SAME_WAY_DEG = 60.0
MIN_POINTS = 9
OFF_LENGTH = 0.15
_OUTLYING_DEG = 2 * REACH_M / (np.radians(1.0) * EARTH_RADIUS_M)

Pass = tuple[str, int, int]  # stretch, first cell, cell after the last


def find_passes(grid: DataFrame[Grid], known: DataFrame[Stretches]) -> list[Pass]:
    """Where a run passed stretches, in order of the way; of two that overlap by over 100 m the elder."""
    lat, lon, heading = (grid[name].to_numpy() for name in ("lat_deg", "lon_deg", "heading_deg"))
    there = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon) & np.isfinite(heading))
    near = _nearby(known, lat[there], lon[there]) if len(there) and len(known) else known.clear()
    if near.is_empty():
        return []
    at = _xyz(lat[there], lon[there])
    points = _xyz(near["lat_deg"].to_numpy(), near["lon_deg"].to_numpy())
    point, cell = _meetings(at, points)
    same_way = near["heading_deg"].to_numpy()[point] - heading[there][cell]
    met = np.abs((same_way + 180.0) % 360.0 - 180.0) < SAME_WAY_DEG
    point, cell = point[met], cell[met]
    point, cell = _visits(point, there[cell], np.linalg.norm(at[cell] - points[point], axis=1))
    taken = np.zeros(len(grid), dtype=bool)
    found: list[Pass] = []
    for n in _candidates(point):
        bounds = np.searchsorted(point, n * POINTS + np.arange(POINTS + 1))
        for start, end in _follow([cell[a:b] for a, b in pairwise(bounds.tolist())]):
            if taken[start:end].sum() * CELL_M <= 100.0:
                taken[start:end] = True
                found.append((near["stretch_id"][n * POINTS], start, end))
    return sorted(found, key=lambda one: one[1])


def _nearby(known: DataFrame[Stretches], lat: Array, lon: Array) -> pl.DataFrame:
    """The stretches whose first point lies in the rectangle about the run."""
    wide = _OUTLYING_DEG / max(float(np.cos(np.radians(np.abs(lat).max()))), 0.01)
    inside = pl.col("lat_deg").is_between(lat.min() - _OUTLYING_DEG, lat.max() + _OUTLYING_DEG) & pl.col(
        "lon_deg"
    ).is_between(lon.min() - wide, lon.max() + wide)
    return known.filter(inside.first().over("stretch_id")).sort("rank", "point")


def _xyz(lat_deg: Array, lon_deg: Array) -> Array:
    """Metres from the middle of the earth, of shape (n, 3): no pole, no date line."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    flat = np.cos(lat)
    return EARTH_RADIUS_M * np.column_stack([flat * np.cos(lon), flat * np.sin(lon), np.sin(lat)])


def _meetings(at: Array, points: Array) -> tuple[Integers, Integers]:
    """Each pair of a point and a cell that are within reach: indices, by point and then by cell."""
    tree = cKDTree(at)
    close = np.flatnonzero(np.isfinite(tree.query(points, distance_upper_bound=REACH_M)[0]))
    around: Any = tree.query_ball_point(points[close], REACH_M, return_sorted=True)
    cells = np.concatenate([np.zeros(0), *around]).astype(np.int64)
    return np.repeat(close, [len(cell) for cell in around]), cells


def _visits(point: Integers, cell: Integers, off_m: Array) -> tuple[Integers, Integers]:
    """The closest cell of each visit to a point; cells more than 50 m of way apart are two visits."""
    if not len(point):
        return point, cell
    visit = np.cumsum(
        (np.diff(point, prepend=point[:1]) != 0) | (np.diff(cell, prepend=cell[:1]) > SPACING_CELLS)
    )
    closest = np.lexsort((off_m, visit))[np.unique(visit, return_index=True)[1]]
    return point[closest], cell[closest]


def _candidates(point: Integers) -> list[int]:
    """Which stretches had nine points visited, the first and the last among them, by their rank nearby."""
    visited = np.unique(point)
    n_visited = np.bincount(visited // POINTS)
    ends = np.bincount(visited // POINTS, np.isin(visited % POINTS, (0, POINTS - 1)))
    return np.flatnonzero((n_visited >= MIN_POINTS) & (ends == 2)).tolist()


def _follow(visits: list[Integers]) -> Iterator[tuple[int, int]]:
    """First and last cell of each time that the points were visited in their order."""
    for start in visits[0].tolist():
        at, seen = start, 1
        for k in range(1, POINTS):
            expected = start + k * SPACING_CELLS
            slack = SPACING_CELLS / 2 + OFF_LENGTH * k * SPACING_CELLS
            ahead = visits[k][(visits[k] > at) & (np.abs(visits[k] - expected) <= slack)]
            if len(ahead):
                at, seen = int(ahead[np.abs(ahead - expected).argmin()]), seen + 1
            elif k == POINTS - 1:
                seen = 0
        if seen >= MIN_POINTS and abs((at - start) / LENGTH_CELLS - 1) <= OFF_LENGTH:
            yield start, at


def learn_stretches(
    grid: DataFrame[Grid], known: DataFrame[Stretches]
) -> tuple[list[Pass], DataFrame[Stretches]]:
    """The passes of a run, and the stretches that are new: of its ground that no known one covers."""
    passes = find_passes(grid, known)
    new = _cut(grid, passes, int(known["stretch_id"].n_unique()))
    if new.is_empty():
        return passes, new
    # Laps of the same ground make the same stretch more than once: only one of them is passed.
    passes = find_passes(grid, cast(DataFrame[Stretches], pl.concat([known, new])))
    passed = [stretch_id for stretch_id, _, _ in passes]
    return passes, cast(DataFrame[Stretches], new.filter(pl.col("stretch_id").is_in(passed)))


def _cut(grid: DataFrame[Grid], passes: list[Pass], rank: int) -> DataFrame[Stretches]:
    lat, lon, heading = (grid[name].to_numpy() for name in ("lat_deg", "lon_deg", "heading_deg"))
    free: Mask = np.isfinite(lat) & np.isfinite(lon) & np.isfinite(heading)
    for _, start, end in passes:
        free[start:end] = False
    rows: dict[str, list[tuple[str, int, int, float, float, float]]] = {}
    for a, b in pairwise(stretches(free).tolist()):
        for start in range(a, b - LENGTH_CELLS, LENGTH_CELLS) if b > a and free[a] else ():
            at = start + SPACING_CELLS * np.arange(POINTS)
            name = hashlib.blake2b(np.round([lat[at], lon[at]], 4).tobytes(), digest_size=6).hexdigest()
            points = [
                (name, k, rank + len(rows), lat[c], lon[c], heading[c]) for k, c in enumerate(at.tolist())
            ]
            rows.setdefault(name, points)
    flat = [row for points in rows.values() for row in points]
    return Stretches.cast(pl.DataFrame(flat, schema=Stretches.column_names(), orient="row"))


def often_passed(repeats: DataFrame[Repeats]) -> DataFrame[Repeats]:
    """The passes of those stretches that five runs or more passed."""
    often = pl.col("run_id").n_unique().over("stretch_id") >= MIN_RUNS
    return cast(DataFrame[Repeats], repeats.filter(often))
