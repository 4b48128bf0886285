"""Parts of runs near places of the athlete's own choosing, to be hidden from all who look.

1. A zone is a disc that covers all within the radius asked for of the place chosen, drawn once about a point
   beside that place, which itself is not kept (`draw_zone`): where tracks break off, they show the disc.
2. A second is hidden where its position is in a zone, and one without a position where the nearest known
   position before or after it is hidden (`find_hidden`).
3. Rows of hidden seconds are left out of tables; intervals are cut back to the seconds that are shown.

Results of the whole run stay as they are: what is hidden is where and when, not how steady.
docs/decisions/0019 says what this keeps from a reader, and what it cannot.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import polars as pl

from pipeline.errors import SurefootError
from pipeline.numeric import EARTH_RADIUS_M, Array, Mask
from pipeline.tables import DataFrame, Grid, Marks, Repeats, Segments, Stretches, Track, Zones

LEAST_M, MOST_M = 100.0, 2000.0
MAX_NAME = 60
# The disc's middle is up to this share of the radius beside the place, and the disc by as much wider.
ASIDE = 0.5
# A pass of a stretch may leave its points by so much: half the longest way between two that it must meet.
PASS_M = 200.0


@dataclass(frozen=True, slots=True)
class Hidden:
    """The seconds of one run that are hidden: `elapsed_s` (n,) ascending, and whether each is (n,)."""

    elapsed_s: Array
    is_hidden: Mask

    def __bool__(self) -> bool:
        return bool(self.is_hidden.any())

    def at(self, elapsed_s: Array) -> Mask:
        """Whether each moment is: between two seconds of the track where either of them is."""
        if not self:
            return np.zeros(len(elapsed_s), dtype=np.bool_)
        last = len(self.elapsed_s) - 1
        before = np.clip(np.searchsorted(self.elapsed_s, elapsed_s, side="right") - 1, 0, last)
        after = np.clip(np.searchsorted(self.elapsed_s, elapsed_s, side="left"), 0, last)
        return self.is_hidden[before] | self.is_hidden[after]


def draw_zone(athlete_id: str, name: str, lat_deg: float, lon_deg: float, radius_m: float) -> dict[str, Any]:
    """A row of tables.Zones about a place, its middle drawn by lot within half the radius of it.

    Raises SurefootError where the place or the radius is none.
    """
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise SurefootError("a zone needs a short name", "call it home, or work")
    for what, value, most in (("latitude", lat_deg, 90.0), ("longitude", lon_deg, 180.0)):
        if not -most <= value <= most:
            raise SurefootError(f"the {what} cannot be {value:g}", f"give degrees from -{most:g} to {most:g}")
    if not LEAST_M <= radius_m <= MOST_M:
        raise SurefootError(f"the radius cannot be {radius_m:g} m", f"give {LEAST_M:g} to {MOST_M:g} m")
    lot = secrets.SystemRandom()
    # The root makes every point of the disc as likely as another.
    aside, bearing = ASIDE * radius_m * math.sqrt(lot.random()), 2 * math.pi * lot.random()
    lat, lon = _move(lat_deg, lon_deg, aside, bearing)
    return {
        "athlete_id": athlete_id,
        "zone_id": secrets.token_hex(8),
        "name": name.strip(),
        "radius_m": radius_m,
        "lat_deg": lat,
        "lon_deg": lon,
        "hidden_m": (1 + ASIDE) * radius_m,
        "removed_at": None,
    }


def _move(lat_deg: float, lon_deg: float, length_m: float, bearing: float) -> tuple[float, float]:
    """The point so far from another on a great circle (deg), towards a bearing (rad from north)."""
    lat, arc = math.radians(lat_deg), length_m / EARTH_RADIUS_M
    sine = math.sin(lat) * math.cos(arc) + math.cos(lat) * math.sin(arc) * math.cos(bearing)
    there = math.asin(max(-1.0, min(1.0, sine)))
    turn = math.atan2(
        math.sin(bearing) * math.sin(arc) * math.cos(lat), math.cos(arc) - math.sin(lat) * math.sin(there)
    )
    return math.degrees(there), (lon_deg + math.degrees(turn) + 540.0) % 360.0 - 180.0


def within(lat_deg: Array, lon_deg: Array, zones: DataFrame[Zones], margin_m: float = 0.0) -> Mask:
    """Whether each position is in one of the zones; False where it is not known."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    inside = np.zeros(len(lat), dtype=np.bool_)
    for zone in zones.iter_rows(named=True):
        lat0, lon0 = math.radians(zone["lat_deg"]), math.radians(zone["lon_deg"])
        chord = np.sin((lat - lat0) / 2) ** 2 + np.cos(lat) * np.cos(lat0) * np.sin((lon - lon0) / 2) ** 2
        reach = math.sin(min((zone["hidden_m"] + margin_m) / (2 * EARTH_RADIUS_M), math.pi / 2)) ** 2
        inside |= chord <= reach
    return inside


def find_hidden(track: pl.DataFrame, zones: DataFrame[Zones]) -> Hidden:
    """The hidden seconds of a run's whole track (columns elapsed_s, lat_deg, lon_deg)."""
    elapsed, lat, lon = (
        track[name].cast(pl.Float64).to_numpy() for name in ("elapsed_s", "lat_deg", "lon_deg")
    )
    inside = within(lat, lon, zones)
    known = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon))
    if len(known) and inside.any():
        inside = Hidden(known.astype(np.float64), inside[known]).at(np.arange(len(lat), dtype=np.float64))
    return Hidden(elapsed, inside)


def show_seconds(frame: pl.DataFrame, hidden: Hidden) -> pl.DataFrame:
    """The rows of a table with `elapsed_s`, those of hidden seconds left out."""
    return frame.filter(~hidden.at(frame["elapsed_s"].cast(pl.Float64).to_numpy())) if hidden else frame


def show_track(track: DataFrame[Track], hidden: Hidden) -> DataFrame[Track]:
    """A track without its hidden seconds."""
    return cast(DataFrame[Track], show_seconds(track, hidden))


def show_grid(grid: DataFrame[Grid], hidden: Hidden, zones: DataFrame[Zones]) -> DataFrame[Grid]:
    """A grid without its hidden cells."""
    inside = within(grid["lat_deg"].to_numpy(), grid["lon_deg"].to_numpy(), zones)
    return cast(DataFrame[Grid], show_seconds(grid.filter(~inside), hidden))


def show_segments(segments: DataFrame[Segments], track: pl.DataFrame, hidden: Hidden) -> DataFrame[Segments]:
    """Segments cut back to the seconds that are shown; those that are hidden whole are left out."""
    if not hidden:
        return segments
    seconds, metres = hidden.elapsed_s, track["distance_m"].cast(pl.Float64).to_numpy()
    rows = []
    for row in segments.iter_rows(named=True):
        ends = hidden.at(np.array([row["start_s"], row["end_s"]]))
        inside = (seconds >= row["start_s"]) & (seconds <= row["end_s"])
        shown = np.flatnonzero(inside & ~hidden.is_hidden)
        if ends.any() and len(shown) < 2:
            continue
        cut = dict(row)
        for side, is_hidden, k in zip(("start", "end"), ends.tolist(), (0, -1), strict=True):
            if is_hidden:
                at = int(shown[k])
                along = metres if np.isfinite(metres[inside]).all() else seconds
                cut[f"{side}_s"] = float(seconds[at])
                cut[f"{side}_m"] = _metres_at(row, along[inside], float(along[at]))
        rows.append(cut)
    return Segments.cast(pl.DataFrame(rows, schema=segments.schema))


def _metres_at(row: Mapping[str, Any], along: Array, at: float) -> float:
    """Where along the run `at` is that lies so far between the first and the last of `along`."""
    share = (at - along[0]) / (along[-1] - along[0]) if along[-1] > along[0] else 0.5
    return float(row["start_m"] + share * (row["end_m"] - row["start_m"]))


def show_repeats(
    repeats: DataFrame[Repeats], stretches: DataFrame[Stretches], zones: DataFrame[Zones]
) -> DataFrame[Repeats]:
    """The passes of those stretches that no zone comes near."""
    near = within(stretches["lat_deg"].to_numpy(), stretches["lon_deg"].to_numpy(), zones, PASS_M)
    names = stretches.filter(near)["stretch_id"].unique().to_list()
    return cast(DataFrame[Repeats], repeats.filter(~pl.col("stretch_id").is_in(names)))


def show_marks(marks: DataFrame[Marks], zones: DataFrame[Zones]) -> DataFrame[Marks]:
    """Marks cut back to the part of their way that no zone covers; without a way they are left out."""
    rows = []
    for row in marks.iter_rows(named=True):
        points = row["way"].split("; ") if row["way"] else []
        at = np.array([[float(x) for x in point.split()[:2]] for point in points]).reshape(-1, 2)
        shown = np.flatnonzero(~within(at[:, 0], at[:, 1], zones))
        if not len(shown):
            continue
        length = (row["end_m"] - row["start_m"]) / len(points)
        rows.append(
            {
                **row,
                "start_m": row["start_m"] + length * int(shown[0]),
                "end_m": row["start_m"] + length * (int(shown[-1]) + 1),
                "way": "; ".join(points[k] for k in shown),
            }
        )
    return Marks.cast(pl.DataFrame(rows, schema=marks.schema))
