"""Small numerical tools that several stages share: rolling statistics, gaps, stretches."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
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
    reached: dict[bytes, tuple[Array, Mask]] = {}
    found = {}
    for name, value in values.items():
        valid = np.isfinite(value)
        if not valid.any():
            found[name] = np.full(len(seconds), np.nan)
            continue
        key = valid.tobytes()
        if key not in reached:
            t = time_s if valid.all() else time_s[valid]
            reached[key] = t, _is_out_of_reach(t, at, max_gap_s)
        t, unknown = reached[key]
        found[name] = np.interp(at, t, value if len(t) == len(value) else value[valid])
        found[name][unknown] = np.nan
    return found


def _is_out_of_reach(t: Array, at: Array, max_gap_s: float) -> Mask:
    """The moments `at` that lie a second or more from every sample, in a longer gap or beyond both ends."""
    gap = np.flatnonzero(np.diff(t) > max_gap_s)
    first = np.searchsorted(at, np.append(t[gap], t[-1]) + 1)
    after = np.searchsorted(at, np.append(t[gap + 1] - 1, np.inf), side="right")
    unknown: Mask = at <= t[0] - 1
    for begin, end in zip(first.tolist(), after.tolist(), strict=True):
        unknown[begin:end] = True
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
    """Centred mean over `width` samples, leaving out NaN and shrinking at the ends."""
    finite = np.isfinite(value)
    if finite.all():
        return np.asarray(_rolling_sum(value, width) / _rolling_sum(finite, width))
    return _over(_rolling_sum(np.where(finite, value, 0.0), width), _rolling_sum(finite, width))


def rolling_mean_within(value: Array, width: int, borders: Integers) -> Array:
    """`rolling_mean` of each stretch between two `borders` by itself (see `stretches`)."""
    length = np.diff(borders)
    index = np.arange(len(value))
    low = np.maximum(index - width // 2, np.repeat(borders[:-1], length))
    high = np.minimum(index + width // 2 + 1, np.repeat(borders[1:], length))
    finite = np.isfinite(value)
    total, count = _summed(np.where(finite, value, 0.0)), _summed(finite)
    return _over(total[high] - total[low], count[high] - count[low])


def is_known_near(value: Array, width: int) -> Mask:
    """Whether any of the `width` samples about each is finite."""
    finite = np.isfinite(value)
    return finite if finite.all() else _rolling_sum(finite, width) > 0


def rolling_sd(value: Array, width: int) -> Array:
    """Centred population SD over `width` samples, leaving out NaN and shrinking at the ends."""
    finite = np.isfinite(value)
    if not finite.any():
        return np.full(len(value), np.nan)
    centred = np.where(finite, value - np.nanmean(value), 0.0)
    count = _rolling_sum(finite, width)
    n = np.maximum(count, 1)
    variance = _rolling_sum(centred**2, width) / n - (_rolling_sum(centred, width) / n) ** 2
    return np.asarray(np.where(count > 1, np.sqrt(np.maximum(variance, 0.0)), np.nan))


def _over(total: Array, count: Array) -> Array:
    """Means from sums, NaN where nothing was summed."""
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _summed(value: Array | Mask) -> Array:
    """Sums of all before each sample, and of all: shape (n + 1,)."""
    total = np.zeros(len(value) + 1)
    np.cumsum(value, out=total[1:])
    return total


def _rolling_sum(value: Array | Mask, width: int) -> Array:
    """Sum of the `width` (odd) samples about each, as far as there are any."""
    half, n = width // 2, len(value)
    total = np.zeros(n + 2 * half + 1)
    np.cumsum(value, out=total[half + 1 : half + 1 + n])
    total[half + 1 + n :] = total[half + n]
    return total[2 * half + 1 :] - total[:n]


def fit_quadratics(value: Array, width: int) -> tuple[Array, Array]:
    """Value and slope per sample of the quadratic fitted about each sample over `width` (odd) of them.

    Savitzky & Golay 1964, doi 10.1021/ac60214a047; half a width at either end lies on the quadratic of the
    outermost `width` samples. Takes at least `width` samples, all finite.
    """
    values, slopes = _quadratic(width)
    return _apply_rows(values, value), _apply_rows(slopes, value)


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
    if known.all() or not known.any():
        return value
    index = np.arange(len(value))
    return np.interp(index, index[known], value[known])


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
        borders = np.union1d(borders, stretches(within))
        groups = np.searchsorted(borders, stretches(within)).tolist()
    labels, lengths = label[borders[:-1]].tolist(), np.diff(borders).tolist()
    merged = [_merge_short(labels[a:b], lengths[a:b], min_length) for a, b in pairwise(groups)]
    return np.repeat(
        np.array([one for labels, _ in merged for one in labels], dtype=label.dtype),
        np.array([one for _, lengths in merged for one in lengths], dtype=np.int64),
    )


def _merge_short(labels: list[Any], lengths: list[int], min_length: int) -> tuple[list[Any], list[int]]:
    while len(lengths) > 1 and min(lengths) < min_length:
        k = lengths.index(min(lengths))
        neighbours = [j for j in (k - 1, k + 1) if 0 <= j < len(lengths)]
        labels[k] = labels[max(neighbours, key=lengths.__getitem__)]
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
