"""Map tiles under a track, where the workspace names a host for them: which ones, and where they lie.

Web Mercator tiles (x eastward, y southward from 180° W, 85.05° N; 2^z each way) on the plain metres of
queries.local_positions: each tile is placed by its own corners, so that Mercator's stretch shows within a
tile only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from dashboard.queries import EARTH_RADIUS_M

MOST_TILES = 20
DEEPEST = 17
MARGIN = 0.12
MOST_LAT_DEG = 85.05


def lay_tiles(track: pl.DataFrame, template: str) -> list[dict[str, Any]]:
    """The tiles under the track's positions and a little around: url, east_m, north_m (of the upper left
    corner), width_m, height_m. None without a template or a position.
    """
    fixes = track.select("lat_deg", "lon_deg").drop_nulls()
    if not template or fixes.is_empty():
        return []
    lat, lon = fixes["lat_deg"].to_numpy(), fixes["lon_deg"].to_numpy()
    lat0, lon0 = float(lat[0]), float(lon[0])
    turn = (lon - lon0 + 180.0) % 360.0 - 180.0
    around = MARGIN * max(np.ptp(lat), np.ptp(turn) * np.cos(np.radians(lat0)), 0.002)
    wide = around / max(np.cos(np.radians(lat0)), 0.01)
    north, south = min(lat.max() + around, MOST_LAT_DEG), max(lat.min() - around, -MOST_LAT_DEG)
    west, east = lon0 + turn.min() - wide, lon0 + turn.max() + wide
    for zoom in range(DEEPEST, -1, -1):
        n = 2**zoom
        columns = range(int(np.floor(_x(west, n))), int(np.floor(_x(east, n))) + 1)
        rows = range(int(np.floor(_y(north, n))), int(np.floor(_y(south, n))) + 1)
        if len(columns) * len(rows) <= MOST_TILES:
            break
    scale = np.radians(1.0) * EARTH_RADIUS_M
    tiles = []
    for x in columns:
        for y in rows:
            top, bottom = _lat(y, n), _lat(y + 1, n)
            left = (x / n * 360.0 - 180.0 - lon0) * scale * np.cos(np.radians(lat0))
            tiles.append(
                {
                    "url": _address(template, zoom, x % n, y),
                    "east_m": float(left),
                    "north_m": float((top - lat0) * scale),
                    "width_m": float(360.0 / n * scale * np.cos(np.radians(lat0))),
                    "height_m": float((top - bottom) * scale),
                }
            )
    return tiles


def _x(lon_deg: float, n: int) -> float:
    return (lon_deg + 180.0) / 360.0 * n


def _y(lat_deg: float, n: int) -> float:
    return float(1 - np.arcsinh(np.tan(np.radians(lat_deg))) / np.pi) / 2 * n


def _lat(y: int, n: int) -> float:
    return float(np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y / n)))))


def _address(template: str, z: int, x: int, y: int) -> str:
    return template.replace("{z}", str(z)).replace("{x}", str(x)).replace("{y}", str(y))
