"""Small numerical tools that several stages share: rolling statistics, gaps, stretches."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

EARTH_RADIUS_M = 6_371_008.8


def resample(time_s: Array, value: Array, seconds: Integers, max_gap_s: float) -> Array:
    """Linear interpolation of `value` at `seconds`; NaN between samples more than `max_gap_s` apart."""
    return resample_all(time_s, {"value": value}, seconds, max_gap_s)["value"]


def resample_all(
    time_s: Array, values: Mapping[str, Array], seconds: Integers, max_gap_s: float
) -> dict[str, Array]:
    """`resample` of many values at once: what is known at the same times is bridged at the same seconds."""
    at = seconds.astype(np.float64)
    reached: dict[bytes, tuple[Integers, Array, Mask | None]] = {}
    found = {}
    for name, value in values.items():
        valid = np.isfinite(value)
        key = valid.tobytes()
        if key not in reached:
            rows = np.flatnonzero(valid)
            t = time_s[rows]
            reached[key] = rows, t, _out_of_reach(t, at, max_gap_s)
        rows, t, unknown = reached[key]
        if len(rows):
            found[name] = np.interp(at, t, value if len(rows) == len(value) else value[rows])
        else:
            found[name] = np.full(len(at), np.nan)
        if unknown is not None:
            np.putmask(found[name], unknown, np.nan)
    return found


def _out_of_reach(t: Array, at: Array, max_gap_s: float) -> Mask | None:
    """The moments `at` that lie a second or more from every sample, in a longer gap or beyond both ends.

    None where there is none.
    """
    gap = np.flatnonzero(t[1:] - t[:-1] > max_gap_s)
    if not len(t) or not (len(gap) or at[0] <= t[0] - 1 or at[-1] >= t[-1] + 1):
        return None
    unknown: Mask = at <= t[0] - 1
    first, after = at.searchsorted(t[gap] + 1), at.searchsorted(t[gap + 1] - 1, side="right")
    for begin, end in zip(first.tolist(), after.tolist(), strict=True):
        unknown[begin:end] = True
    unknown[at.searchsorted(t[-1] + 1) :] = True
    return unknown


def longest_rise(value: Array) -> Integers:
    """Indices of a longest strictly rising subsequence.

    So one time in the far future costs itself, and not every record after it. Patience sorting
    (Fredman 1975, doi 10.1016/0012-365X(75)90103-X); nothing to do where all rise.
    """
    if (np.diff(value) > 0).all():
        return np.arange(len(value))
    tails: list[float] = []
    ends: list[int] = []
    before = np.full(len(value), -1)
    for i, v in enumerate(value.tolist()):
        k = bisect_left(tails, v)
        before[i] = ends[k - 1] if k else -1
        tails[k : k + 1] = [v]
        ends[k : k + 1] = [i]
    chain = [ends[-1]] if ends else []
    while chain and before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return np.array(chain[::-1], dtype=np.int64)


def rolling_mean(value: Array, width: int) -> Array:
    """Centred mean over `width` (odd) samples, leaving out NaN and shrinking at the ends."""
    finite = np.isfinite(value)
    known = value if finite.all() else np.where(finite, value, 0.0)
    return _over(_rolling_sum(known, width), _rolling_sum(finite, width))


@dataclass(frozen=True, slots=True)
class RunningSums:
    """Sum and number of the known samples before each, and of all: shape (n + 1,)."""

    total: Array
    count: Integers

    @classmethod
    def of(cls, value: Array) -> RunningSums:
        """Of samples (n,), NaN where not known."""
        known = np.isfinite(value)
        total, count = np.zeros(len(value) + 1), np.zeros(len(value) + 1, dtype=np.int64)
        np.cumsum(np.where(known, value, 0.0), out=total[1:])
        np.cumsum(known, out=count[1:])
        return cls(total, count)

    def mean(self, low: Integers, high: Integers) -> Array:
        """Mean of the samples `[low, high)`, NaN where none is known."""
        return _over(self.total[high] - self.total[low], self.count[high] - self.count[low])


def is_known_near(value: Array, width: int) -> Mask:
    """Whether any of the `width` samples about each is finite."""
    finite = np.isfinite(value)
    return finite if finite.all() else _rolling_sum(finite, width) > 0


def most_of(mask: Mask, width: int) -> Mask:
    """Whether most of the `width` (odd) samples about each are set; beyond both ends as at them.

    So it tells on which side of a threshold the running median lies, without one being sorted.
    """
    half = width // 2
    held = np.concatenate([[False], np.repeat(mask[:1], half), mask, np.repeat(mask[-1:], half)])
    total = np.cumsum(held)
    return np.asarray(total[width:] - total[:-width] > half)


def rolling_sd(value: Array, width: int) -> Array:
    """Centred population SD over `width` (odd) samples, leaving out NaN and shrinking at the ends."""
    finite = np.isfinite(value)
    count = _rolling_sum(finite, width)
    n = np.maximum(count, 1)
    centred = np.where(finite, value, 0.0)
    centred -= centred.sum() / max(np.count_nonzero(finite), 1)
    centred[~finite] = 0.0
    mean = _rolling_sum(centred, width) / n
    variance = _rolling_sum(centred * centred, width) / n - mean * mean
    sd = np.sqrt(np.maximum(variance, 0.0))
    sd[count < 2] = np.nan
    return np.asarray(sd)


def _over(total: Array, count: Integers) -> Array:
    """Means from sums, NaN where nothing was summed."""
    mean = total / np.maximum(count, 1)
    mean[count == 0] = np.nan
    return np.asarray(mean)


def _rolling_sum(value: Array | Mask, width: int) -> NDArray[Any]:
    """Sum of the `width` (odd) samples about each, as far as there are any."""
    half, n = width // 2, len(value)
    total = _zeros(n + 2 * half + 1, value)
    np.cumsum(value, out=total[half + 1 : half + 1 + n])
    total[half + 1 + n :] = total[half + n]
    return np.asarray(total[2 * half + 1 :] - total[:n])


def _zeros(n: int, value: Array | Mask) -> NDArray[Any]:
    """Room for sums of `value`: whole numbers are counted several times as fast."""
    return np.zeros(n, np.int64 if value.dtype == np.bool_ else np.float64)


def fit_values(value: Array, width: int) -> Array:
    """Value of the quadratic fitted about each sample over `width` (odd) of them.

    Savitzky & Golay 1964, doi 10.1021/ac60214a047; half a width at either end lies on the quadratic of the
    outermost `width` samples. Takes at least `width` samples, all finite.
    """
    return _apply_rows(_quadratic(width)[0], value)


def fit_slopes(value: Array, width: int) -> Array:
    """Slope per sample of the quadratics of `fit_values`."""
    return _apply_rows(_quadratic(width)[1], value)


@cache
def _quadratic(width: int) -> tuple[Array, Array]:
    """Rows (width, width): what the quadratic through a window says at each of its samples, and its slope."""
    x = np.arange(width) - width // 2
    coefficients = np.linalg.pinv(np.vander(x, 3, increasing=True))
    slope = np.column_stack([np.zeros(width), np.ones(width), 2.0 * x])
    return np.vander(x, 3, increasing=True) @ coefficients, slope @ coefficients


def _apply_rows(rows: Array, value: Array) -> Array:
    half = len(rows) // 2
    inner = np.correlate(value, rows[half], mode="valid")
    return np.concatenate([rows[:half] @ value[: len(rows)], inner, rows[half + 1 :] @ value[-len(rows) :]])


def fill_between(value: Array) -> Array:
    """Bridge NaN linearly and hold the ends; all NaN stays so."""
    known = np.isfinite(value)
    missing, index = np.flatnonzero(~known), np.flatnonzero(known)
    if not len(missing) or not len(index):
        return value
    whole = value.copy()
    whole[missing] = np.interp(missing, index, value[index])
    return whole


def quantile(value: Array, share: float) -> float:
    """The quantile of at least one number, none of them NaN, as numpy gives it: on the line between two."""
    at = share * (len(value) - 1)
    below = int(at)
    above = min(below + 1, len(value) - 1)
    low, high = np.partition(value, (below, above))[[below, above]].tolist()
    part, rise = at - below, high - low
    return float(high - rise * (1 - part) if part >= 0.5 else low + rise * part)


def stretches(label: NDArray[Any]) -> Integers:
    """Borders of the stretches of equal neighbours: `[b0, b1), [b1, b2), ...`, of shape (n + 1,)."""
    if len(label) == 0:
        return np.zeros(1, dtype=np.int64)
    return np.concatenate([[0], np.flatnonzero(label[1:] != label[:-1]) + 1, [len(label)]])


def merge_short(label: NDArray[Any], min_length: int, within: NDArray[Any] | None = None) -> NDArray[Any]:
    """Give stretches shorter than `min_length` the label of their longer neighbour, shortest first.

    Neighbours have the same value of `within`, where that is given.
    """
    borders = stretches(label)
    groups = [0, len(borders) - 1]
    if within is not None:
        whole = stretches(within)
        borders = np.concatenate([borders, whole])
        borders.sort()
        borders = borders[stretches(borders)[:-1]]
        groups = np.searchsorted(borders, whole).tolist()
    labels, lengths = label[borders[:-1]].tolist(), np.diff(borders).tolist()
    merged = [_merge_short(labels[a:b], lengths[a:b], min_length) for a, b in pairwise(groups)]
    return np.repeat(
        np.array([one for labels, _ in merged for one in labels], dtype=label.dtype),
        np.array([one for _, lengths in merged for one in lengths], dtype=np.int64),
    )


def _merge_short(labels: list[Any], lengths: list[int], min_length: int) -> tuple[list[Any], list[int]]:
    while len(lengths) > 1 and (shortest := min(lengths)) < min_length:
        k = lengths.index(shortest)
        before, after = lengths[k - 1] if k else 0, lengths[k + 1] if k + 1 < len(lengths) else 0
        labels[k] = labels[k - 1] if before >= after else labels[k + 1]
        for j in (k + 1, k):
            if 0 < j < len(lengths) and labels[j] == labels[j - 1]:
                lengths[j - 1] += lengths[j]
                del labels[j], lengths[j]
    return labels, lengths


def local_metres(lat_deg: Array, lon_deg: Array) -> tuple[Array, Array]:
    """East and north in metres about the first known position (equirectangular)."""
    known = np.flatnonzero(np.isfinite(lat_deg) & np.isfinite(lon_deg))
    if len(known) == 0:
        return np.full(len(lat_deg), np.nan), np.full(len(lat_deg), np.nan)
    lat0, lon0 = lat_deg[known[0]], lon_deg[known[0]]
    metres = np.radians(1.0) * EARTH_RADIUS_M
    turn = lon_deg - lon0 + 180.0
    if ((turn < 0.0) | (turn >= 360.0)).any():
        turn %= 360.0
    return (turn - 180.0) * metres * np.cos(np.radians(lat0)), (lat_deg - lat0) * metres
