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
    x, y = x[np.argsort(x)], y[np.argsort(x)]
    trust = np.ones(len(x))
    for _ in range(robust_rounds):
        residual = y - _fit(x, y, x, half_width, trust)[0]
        scale = 6 * np.median(np.abs(residual)) or 1.0
        trust = np.clip(1 - (residual / scale) ** 2, 0.0, None) ** 2
    value, error = _fit(x, y, grid, half_width, trust)
    line = np.stack([value, value - 1.96 * error, value + 1.96 * error])
    first, end = _in_reach(x, grid, half_width)
    return np.where(end - first >= MIN_RUNS, line, np.nan)


def _in_reach(x: Array, at: Array, half_width: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first run in reach of each place, and the first one after it that is not; x in order."""
    return np.searchsorted(x, at - half_width, "right"), np.searchsorted(x, at + half_width, "left")


def _fit(x: Array, y: Array, at: Array, half_width: float, trust: Array) -> tuple[Array, Array]:
    """Value and standard error at each place of the weighted straight line about it.

    The normal equations of two unknowns, written out, over the runs in reach: a row a place, as long as the
    longest. Where all runs in reach are of one day there is no slope: the line is their mean.
    """
    first, end = _in_reach(x, at, half_width)
    near = first[:, None] + np.arange(max(int((end - first).max(initial=0)), 1))
    near = np.minimum(near, len(x) - 1)
    is_near = np.arange(near.shape[1]) < (end - first)[:, None]
    dx, values = x[near] - at[:, None], y[near]
    weight = np.where(is_near, np.clip(1 - np.abs(dx / half_width) ** 3, 0.0, None) ** 3 * trust[near], 0.0)
    total, turned, second = weight.sum(1), (weight * dx).sum(1), (weight * dx**2).sum(1)
    spread = total * second - turned**2
    has_slope = spread > 1e-9 * total**2
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, lever = weight / total[:, None], turned / total
        moment = total * (weight * dx * values).sum(1) - turned * (weight * values).sum(1)
        slope = np.where(has_slope, moment / spread, 0.0)
        value = (mean * values).sum(1) - slope * lever
        # What each run adds to the value: its share of the mean, less what it turns the line by.
        turn = np.where(has_slope, turned / spread, 0.0)[:, None] * weight * (dx - lever[:, None])
        variance = (mean * (values - value[:, None] - slope[:, None] * dx) ** 2).sum(1)
        error = np.sqrt(variance * ((mean - turn) ** 2).sum(1))
    known = total > 0
    return np.where(known, value, np.median(y)), np.where(known, error, np.inf)
