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
    line = np.full((3, len(grid)), np.nan)
    if len(x) < MIN_RUNS:
        return line
    trust = np.ones(len(x))
    for _ in range(robust_rounds):
        residual = y - np.array([_fit(x, y, at, half_width, trust)[0] for at in x])
        scale = 6 * np.median(np.abs(residual)) or 1.0
        trust = np.clip(1 - (residual / scale) ** 2, 0.0, None) ** 2
    for i, at in enumerate(grid):
        if np.sum(np.abs(x - at) < half_width) >= MIN_RUNS:
            value, error = _fit(x, y, at, half_width, trust)
            line[:, i] = value, value - 1.96 * error, value + 1.96 * error
    return line


def _fit(x: Array, y: Array, at: float, half_width: float, trust: Array) -> tuple[float, float]:
    """Value and standard error at one place of the weighted straight line about it."""
    weight = np.clip(1 - np.abs((x - at) / half_width) ** 3, 0.0, None) ** 3 * trust
    if weight.sum() <= 0:
        return float(np.median(y)), np.inf
    design = np.column_stack([np.ones_like(x), x - at])
    inverse = np.linalg.pinv(design.T @ (design * weight[:, None]))
    row = inverse[0] @ (design * weight[:, None]).T
    slope = inverse @ (design * weight[:, None]).T @ y
    variance = np.sum(weight * (y - design @ slope) ** 2) / weight.sum()
    return float(slope[0]), float(np.sqrt(variance * np.sum(row**2)))
