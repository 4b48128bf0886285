"""A run's grid of 5 m as plain arrays: what labels are made of, and what stretches of trail are known by."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.numeric import Array
from pipeline.tables import DataFrame, Grid

FEATURES = ("altitude_roughness", "pace_variability", "pace_deficit", "sinuosity", "abs_grade")
READ = ("distance_m", "elapsed_s", "lat_deg", "lon_deg", "heading_deg", "grade", *FEATURES)
"""The columns of a grid that are read here."""

Cells = Mapping[str, Array]
"""The columns `READ` of one run, of one entry per cell, NaN where not known."""


def read_cells(grid: DataFrame[Grid]) -> Cells:
    """Those of a grid."""
    return {name: grid[name].to_numpy() for name in READ}
