"""A smooth line through the runs of one device, with a band for the line itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MIN_RUNS = 5


def local_line(x: Array, y: Array, grid: Array, *, half_width: float = 35.0, robust_rounds: int = 2) -> Array:
    """Robust local linear regression (Cleveland 1979, DOI 10.1080/01621459.1979.10481038) with a fixed reach.

    The reach is in x units, not a share of the runs, so that a line never reaches across a long pause.

    Parameters
    ----------
    x, y : one value per run, x in days. grid : where the line is wanted. half_width : reach in days.

    Returns
    -------
    (3, len(grid)): line, lower and upper end of its pointwise 95 % band; NaN with fewer than 5 runs in reach.
    """
    if len(x) < MIN_RUNS:
        return np.full((3, len(grid)), np.nan)
    trust = np.ones(len(x))
    for _ in range(robust_rounds):
        residual = y - _fit(x, y, x, half_width, trust)[0]
        scale = 6 * np.median(np.abs(residual)) or 1.0
        trust = np.clip(1 - (residual / scale) ** 2, 0.0, None) ** 2
    value, error = _fit(x, y, grid, half_width, trust)
    line = np.stack([value, value - 1.96 * error, value + 1.96 * error])
    in_reach = np.sum(np.abs(x - grid[:, None]) < half_width, axis=1)
    return np.where(in_reach >= MIN_RUNS, line, np.nan)


def _fit(x: Array, y: Array, at: Array, half_width: float, trust: Array) -> tuple[Array, Array]:
    """Value and standard error at each place of the weighted straight line about it.

    The normal equations of two unknowns, written out. Where all runs in reach are of one day there is no
    slope: the line is their mean.
    """
    dx = x - at[:, None]
    weight = np.clip(1 - np.abs(dx / half_width) ** 3, 0.0, None) ** 3 * trust
    total, first, second = weight.sum(1), (weight * dx).sum(1), (weight * dx**2).sum(1)
    spread = total * second - first**2
    has_slope = spread > 1e-9 * total**2
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, lever = weight / total[:, None], first / total
        slope = np.where(has_slope, (total * ((weight * dx) @ y) - first * (weight @ y)) / spread, 0.0)
        value = mean @ y - slope * lever
        # What each run adds to the value: its share of the mean, less what it turns the line by.
        turn = np.where(has_slope, first / spread, 0.0)[:, None] * weight * (dx - lever[:, None])
        variance = (mean * (y - value[:, None] - slope[:, None] * dx) ** 2).sum(1)
        error = np.sqrt(variance * ((mean - turn) ** 2).sum(1))
    known = total > 0
    return np.where(known, value, np.median(y)), np.where(known, error, np.inf)
