"""How far a mean over the windows of one run may be off: block bootstrap of sums.

Windows near in time are alike (the autocorrelation of their log SD is 0.2 from one to the next on real
recordings), so blocks of three neighbours are drawn (Kuensch 1989, doi 10.1214/aos/1176347265). A
percentile interval of few windows is too narrow: it is stretched as Student's t is against the normal, with
as many degrees of freedom as there are blocks, and by the variance that blocks leave out (docs/methods.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from pipeline.numeric import Array, Integers, Mask

BOOTSTRAPS = 300
BLOCK_WINDOWS = 3
MIN_INTERVAL_WINDOWS = 2 * BLOCK_WINDOWS


def resample_means(columns: Array, strata: Sequence[Mask]) -> Array:
    """Mean of each row of `columns` (rows, windows) over the windows in `strata`, then those of 300 samples.

    Shape (rows, 301). Each stratum is drawn by itself, so that its number of windows is no chance; NaN
    instead of samples where one has fewer than 6. The draw is fixed: the same run gives the same bytes.
    """
    chosen = [columns[:, stratum] for stratum in strata]
    sizes = [own.shape[1] for own in chosen]
    found = np.zeros((len(columns), 1 + BOOTSTRAPS))
    for own, n in zip(chosen, sizes, strict=True):
        found += own @ _times_drawn(n)
    found /= sum(sizes)
    if min(sizes) < MIN_INTERVAL_WINDOWS:
        found[:, 1:] = np.nan
    return found


@lru_cache(maxsize=128)
def _times_drawn(n: int) -> NDArray[np.uint8]:
    """How often each of `n` windows is in the run itself (once) and in each sample: shape (n, 301).

    A sample is as many blocks as hold `n` windows, the last one cut to fit.
    """
    times = np.zeros((n, 1 + BOOTSTRAPS), dtype=np.uint8)
    times[:, 0] = 1
    if n >= MIN_INTERVAL_WINDOWS:
        blocks = -(-n // BLOCK_WINDOWS)
        start = np.random.default_rng(n).integers(0, n - BLOCK_WINDOWS + 1, (BOOTSTRAPS, blocks))
        sample = np.arange(BOOTSTRAPS)
        begun = np.bincount((start * BOOTSTRAPS + sample[:, None]).ravel(), minlength=n * BOOTSTRAPS)
        begun = begun.reshape(n, BOOTSTRAPS).astype(np.uint8)
        for k in range(BLOCK_WINDOWS):
            times[k:, 1:] += begun[: n - k]
        for k in range(n - BLOCK_WINDOWS * (blocks - 1), BLOCK_WINDOWS):
            times[start[:, -1] + k, 1 + sample] -= 1
    return times


def find_intervals(values: Array, n_windows: Integers, floor: Array) -> tuple[Array, Array]:
    """Ends of the 95 % interval of each row of `values` (rows, 301): the value, then its samples.

    `n_windows` is what a row rests on (of the smallest of its strata), `floor` the least value that its
    metric can take: the stretching is one of ratios above it. NaN where one sample in 20 says nothing.
    """
    ends = np.full((2, len(values)), np.nan)
    good = np.isfinite(values[:, 1:])
    whole = good.all(axis=1)
    nearly = ~whole & (good.sum(axis=1) > 0.95 * BOOTSTRAPS)
    for rows, quantile in ((whole, np.quantile), (nearly, np.nanquantile)):
        if rows.any():
            ends[:, rows] = quantile(values[rows, 1:], [0.025, 0.975], axis=1)
    level = np.maximum(values[:, 0] - floor, 1e-12)
    stretch = np.array([_stretch(int(n)) for n in n_windows])
    low, high = floor + level * (np.maximum(ends - floor, 1e-12) / level) ** stretch
    return low, high


@lru_cache
def _stretch(n: int) -> float:
    """How much wider than the percentile interval that of `n` windows has to be."""
    if n < MIN_INTERVAL_WINDOWS:
        return float("nan")
    return float(stdtrit(n / BLOCK_WINDOWS, 0.975) / ndtri(0.975) * np.sqrt(n / (n - BLOCK_WINDOWS)))
