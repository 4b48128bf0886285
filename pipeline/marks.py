"""What the runner says of a stretch of trail: technical or smooth, whatever the features say.

A mark holds for the place: for every pass within 20 m of the marked way in about its direction, so that
GPS may err by 10 to 15 m. A stretch without positions is marked on its own run alone. The latest mark wins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from pipeline.cells import Cells
from pipeline.errors import SurefootError
from pipeline.numeric import EARTH_RADIUS_M, Array, Integers, Mask
from pipeline.places import place_ids, places_around
from pipeline.tables import TERRAINS, DataFrame, Grid, Marks

REACH_M = 20.0
POINT_M = 3.0  # the points of a way are 5 m apart
MAX_TURN_DEG = 60.0
MIN_LENGTH_M = 60.0
UNMARKED = -1
_METRES_PER_DEG = np.radians(1.0) * EARTH_RADIUS_M


@dataclass(frozen=True, slots=True)
class Mark:
    """One row of tables.Marks; `way` (n, 3): latitude and longitude (deg) and direction (deg from north)."""

    mark_id: str
    run_id: str
    start_m: float
    end_m: float
    terrain: str
    way: Array

    @property
    def places(self) -> Integers:
        """The places it may concern, ascending."""
        return places_around(place_ids(*self.way.T))


def to_row(mark: Mark, athlete_id: str, at: datetime) -> dict[str, object]:
    """A row of tables.Marks."""
    return {
        "athlete_id": athlete_id,
        "mark_id": mark.mark_id,
        "marked_at": at,
        "run_id": mark.run_id,
        "start_m": mark.start_m,
        "end_m": mark.end_m,
        "terrain": mark.terrain,
        "way": "; ".join(f"{lat:.7f} {lon:.7f} {heading:.0f}" for lat, lon, heading in mark.way.tolist()),
    }


def from_table(marks: DataFrame[Marks]) -> list[Mark]:
    """The marks of a table, the latest last."""
    found = []
    for row in marks.sort("marked_at", "mark_id").iter_rows(named=True):
        points = [[float(x) for x in point.split()] for point in row["way"].split("; ") if point]
        way = np.array(points, dtype=np.float64).reshape(-1, 3)
        names = ("mark_id", "run_id", "start_m", "end_m", "terrain")
        found.append(Mark(**{name: row[name] for name in names}, way=way))
    return found


def draw_mark(
    grid: DataFrame[Grid], run_id: str, start_m: float, end_m: float, terrain: str, at: datetime
) -> Mark:
    """Mark the stretch of a run from `start_m` to `end_m` of its moving distance.

    Raises SurefootError where the stretch is shorter than 60 m, the least length of a label, or not on the
    run.
    """
    distance = grid["distance_m"].to_numpy()
    length = float(distance.max(initial=0.0))
    if not 0 <= start_m < end_m <= length + 5.0:
        raise SurefootError(
            f"there is no stretch from {start_m:.0f} to {end_m:.0f} m on this run",
            f"it is {length:.0f} m long",
        )
    if end_m - start_m < MIN_LENGTH_M:
        raise SurefootError(
            f"a stretch of {end_m - start_m:.0f} m is too short to be marked",
            f"mark {MIN_LENGTH_M:.0f} m or more: no label is shorter",
        )
    cells = grid.filter((distance >= start_m) & (distance < end_m))
    columns = [cells[name].to_numpy() for name in ("lat_deg", "lon_deg", "heading_deg")]
    way = np.column_stack(columns).astype(np.float64)
    unique = f"{run_id} {start_m} {end_m} {terrain} {at.isoformat()}".encode()
    mark_id = hashlib.sha256(unique).hexdigest()[:8]
    return Mark(mark_id, run_id, start_m, end_m, terrain, way[np.isfinite(way).all(axis=1)])


def marks_on(run_id: str, place: Integers, marks: Sequence[Mark]) -> list[Mark]:
    """The marks that may concern a run which crossed these places."""
    return [
        mark
        for mark in marks
        if (mark.run_id == run_id if not len(mark.way) else np.isin(place, mark.places).any())
    ]


def apply_marks(run_id: str, cells: Cells, marks: Sequence[Mark]) -> Integers:
    """What each cell is marked as: an index into tables.TERRAINS, UNMARKED elsewhere."""
    distance = cells["distance_m"]
    said = np.full(len(distance), UNMARKED)
    for mark in marks:
        if len(mark.way):
            said[_along(cells, mark.way)] = TERRAINS.index(mark.terrain)
        elif mark.run_id == run_id:
            inside = (distance >= mark.start_m) & (distance < mark.end_m)
            said[inside] = TERRAINS.index(mark.terrain)
    return said


def _along(cells: Cells, way: Array) -> Mask:
    """Cells beside one of the way's points, within reach of it, and in about its direction."""
    scale = np.cos(np.radians(way[0, 0]))
    north, east = cells["lat_deg"] * _METRES_PER_DEG, cells["lon_deg"] * _METRES_PER_DEG * scale
    way_north, way_east = way[:, 0] * _METRES_PER_DEG, way[:, 1] * _METRES_PER_DEG * scale
    near = (north > way_north.min() - REACH_M) & (north < way_north.max() + REACH_M)
    near &= (east > way_east.min() - REACH_M) & (east < way_east.max() + REACH_M)
    found = np.flatnonzero(near & np.isfinite(cells["heading_deg"]))
    to_north, to_east = north[found, None] - way_north, east[found, None] - way_east
    heading = np.radians(way[:, 2])
    ahead = to_north * np.cos(heading) + to_east * np.sin(heading)
    aside = to_east * np.cos(heading) - to_north * np.sin(heading)
    turn = np.abs((cells["heading_deg"][found, None] - way[:, 2] + 180.0) % 360.0 - 180.0)
    along = np.zeros(len(north), dtype=np.bool_)
    level = (np.abs(ahead) <= POINT_M) & (np.abs(aside) <= REACH_M) & (turn <= MAX_TURN_DEG)
    along[found] = level.any(axis=1)
    return along
