"""Place memory: what all passes of a stretch of trail say together.

A place is a 25 m square of ground and a 45 degree sector of the direction of travel. Its score is the
mean over runs, averaged over the neighbouring squares and sectors with a kernel of 15 m, which is
what positions are off by. So the label of a place does not hang on one day's pace.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.numeric import EARTH_RADIUS_M, Array, Integers
from pipeline.tables import DataFrame, Grid

SQUARE_M = 25.0
SECTORS = 8
KERNEL_M = 15.0
_METRES_PER_DEG = np.radians(1.0) * EARTH_RADIUS_M
KEY = ("row", "column", "sector")


def place_keys(lat_deg: Array, lon_deg: Array, heading_deg: Array) -> pl.DataFrame:
    """Row, column and sector of each position; null where position or heading is missing."""
    known = np.isfinite(lat_deg) & np.isfinite(lon_deg) & np.isfinite(heading_deg)
    lat, lon, heading = (np.where(known, x, 0.0) for x in (lat_deg, lon_deg, heading_deg))
    band = np.round(lat, 1)  # one scale of longitude for all passes of a place
    row = np.floor(lat * _METRES_PER_DEG / SQUARE_M)
    column = np.floor(lon * _METRES_PER_DEG * np.cos(np.radians(band)) / SQUARE_M)
    sector = np.round(heading / (360.0 / SECTORS)) % SECTORS
    columns = {
        name: pl.Series(v.astype(np.int32)) for name, v in zip(KEY, (row, column, sector), strict=True)
    }
    return pl.DataFrame(columns).with_columns(
        pl.when(pl.Series(known)).then(pl.col(name)).alias(name) for name in KEY
    )


def learn_places(grid: DataFrame[Grid]) -> pl.DataFrame:
    """What many runs say of each place: columns row, column, sector, score, passes."""
    keys = place_keys(*(grid[c].to_numpy() for c in ("lat_deg", "lon_deg", "heading_deg")))
    per_pass = (
        pl.concat([grid.select("run_id", "score"), keys], how="horizontal")
        .filter(pl.col("row").is_not_null() & pl.col("score").is_not_nan())
        .drop_nulls()
        .group_by("run_id", *KEY, maintain_order=True)
        .agg(pl.col("score").mean())
    )
    places = per_pass.group_by(*KEY, maintain_order=True).agg(
        pl.col("score").sum().alias("total"), pl.len().alias("passes")
    )
    return _smooth(places)


def _smooth(places: pl.DataFrame) -> pl.DataFrame:
    """Kernel average over the 3 x 3 squares and 3 sectors about each place."""
    shares = []
    for north in (-1, 0, 1):
        for east in (-1, 0, 1):
            for turn in (-1, 0, 1):
                weight = np.exp(-((north**2 + east**2) * SQUARE_M**2) / (2 * KERNEL_M**2)) * (
                    0.5 if turn else 1.0
                )
                shares.append(
                    places.select(
                        pl.col("row") + north,
                        pl.col("column") + east,
                        (pl.col("sector") + turn) % SECTORS,
                        total=pl.col("total") * weight,
                        weight=pl.col("passes") * weight,
                        passes="passes",
                    )
                )
    around = (
        pl.concat(shares)
        .group_by(*KEY, maintain_order=True)
        .agg(pl.col("total").sum(), pl.col("weight").sum(), pl.col("passes").max())
    )
    return (
        around.join(places.select(*KEY), on=KEY, how="semi")
        .select(*KEY, score=pl.col("total") / pl.col("weight"), passes="passes")
        .sort(*KEY)
    )


def recall_places(
    grid: DataFrame[Grid], places: pl.DataFrame, *, min_passes: int = 3
) -> tuple[Array, Integers]:
    """Score and number of passes that each cell's label rests on.

    A place seen in fewer than `min_passes` runs, or without a position, keeps the run's own score
    and counts one pass.
    """
    keys = place_keys(*(grid[c].to_numpy() for c in ("lat_deg", "lon_deg", "heading_deg")))
    known = keys.join(places, on=KEY, how="left", maintain_order="left")
    own = grid["score"].fill_null(float("nan")).to_numpy()
    passes = known["passes"].fill_null(1).to_numpy().astype(np.int64)
    shared = known["score"].fill_null(float("nan")).to_numpy()
    use = (passes >= min_passes) & np.isfinite(shared)
    return np.where(use, shared, own), np.where(use, passes, 1)
