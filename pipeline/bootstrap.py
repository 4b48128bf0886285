"""How far a mean over the windows of one run may be off: block bootstrap of sums.

Windows near in time are alike (the autocorrelation of their log SD is 0.2 from one to the next on real
recordings), so blocks of three neighbours are drawn (Kuensch 1989, doi 10.1214/aos/1176347265). A
percentile interval of few windows is too narrow: it is stretched as Student's t is against the normal, with
as many degrees of freedom as there are blocks, and by the variance that blocks leave out (docs/methods.md).
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from pipeline.numeric import Array, Integers

BOOTSTRAPS = 300
BLOCK_WINDOWS = 3
MIN_INTERVAL_WINDOWS = 2 * BLOCK_WINDOWS


def resample_sums(columns: Array, part: Integers, wanted: Integers) -> Array:
    """Sum of each row of `columns` (rows, windows) over each of the parts `wanted`, in 300 samples.

    `part` (windows,) is the number of the part that a window is of; `wanted` have 6 windows or more. Shape
    (rows, wanted, 300). The draw is fixed and hangs on the number of windows alone: the same run gives the
    same bytes.
    """
    n_windows = np.bincount(part, minlength=int(wanted.max(initial=-1)) + 1)
    ends, n_windows = np.cumsum(n_windows)[wanted], n_windows[wanted]
    by_part = columns[:, np.argsort(part, kind="stable")]
    sums = np.empty((len(columns), len(wanted), BOOTSTRAPS))
    for n in np.unique(n_windows).tolist():
        alike = np.flatnonzero(n_windows == n)
        own = by_part[:, (ends[alike] - n)[:, None] + np.arange(n)]
        # Part by part, so that the last bits do not hang on how many are drawn together.
        sums[:, alike] = (own.swapaxes(0, 1) @ _times_drawn(n).astype(np.float64)).swapaxes(0, 1)
    return sums


@lru_cache(maxsize=256)
def _times_drawn(n: int) -> NDArray[np.uint8]:
    """How often each of `n` windows is in each sample: shape (n, 300).

    A sample is as many blocks as hold `n` windows, the last one cut to fit.
    """
    blocks = -(-n // BLOCK_WINDOWS)
    start = np.random.default_rng(n).integers(0, n - BLOCK_WINDOWS + 1, (BOOTSTRAPS, blocks))
    sample = np.arange(BOOTSTRAPS)
    begun = np.bincount((start * BOOTSTRAPS + sample[:, None]).ravel(), minlength=n * BOOTSTRAPS)
    begun = begun.reshape(n, BOOTSTRAPS).astype(np.uint8)
    times = np.zeros((n, BOOTSTRAPS), dtype=np.uint8)
    for k in range(BLOCK_WINDOWS):
        times[k:] += begun[: n - k]
    for k in range(n - BLOCK_WINDOWS * (blocks - 1), BLOCK_WINDOWS):
        times[start[:, -1] + k, sample] -= 1
    return times


def find_intervals(value: Array, samples: Array, n_windows: Integers, floor: float) -> tuple[Array, Array]:
    """Ends of the 95 % interval of each of `value` (rows,) from its `samples` (rows, 300).

    `n_windows` is what a row rests on (of the smallest of its strata), `floor` the least value that its
    metric can take: the stretching is one of ratios above it. NaN where one sample in 20 says nothing.
    """
    ordered = np.sort(samples, axis=1)  # NaN last
    known = np.isfinite(samples).sum(axis=1)
    ends = np.array([_quantile(ordered, known, share) for share in (0.025, 0.975)])
    ends[:, known <= 0.95 * BOOTSTRAPS] = np.nan
    level = np.maximum(value - floor, 1e-12)
    stretch = np.array([_stretch(n) for n in n_windows.tolist()])
    low, high = floor + level * (np.maximum(ends - floor, 1e-12) / level) ** stretch
    return low, high


def _quantile(ordered: Array, known: Integers, share: float) -> Array:
    """Of the first `known` of each ascending row, linear between two."""
    at = share * np.maximum(known - 1, 0)
    below = np.floor(at).astype(np.int64)
    rows = np.arange(len(ordered))
    low, high = ordered[rows, below], ordered[rows, np.minimum(below + 1, np.maximum(known - 1, 0))]
    return np.asarray(low + (high - low) * (at - below))


@cache
def _stretch(n: int) -> float:
    """How much wider than the percentile interval that of `n` windows has to be."""
    return float(stdtrit(n / BLOCK_WINDOWS, 0.975) / ndtri(0.975) * np.sqrt(n / (n - BLOCK_WINDOWS)))
