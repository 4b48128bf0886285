"""Gait and the usability of each second's cadence.

Gait is decided on a 15 s scale: a stumble, a hop or a brake lowers cadence for a second or two, and
if that second counted as walking the unsteady moments would vanish and the runner would look steady.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter

from pipeline.numeric import (
    Array,
    Integers,
    Mask,
    fill_between,
    is_known_near,
    most_of,
    quantile,
    rolling_mean,
    stretches,
)
from pipeline.tables import CADENCE_FLAGS, GAITS

RUN, WALK, STAND = (GAITS.index(g) for g in ("run", "walk", "stand"))
OK, MISSING, SPIKE, FROZEN, HALF, DOUBLE = (
    CADENCE_FLAGS.index(f) for f in ("ok", "missing", "spike", "frozen", "half", "double")
)

RUNNING_SPM = (125.0, 250.0)
"""Steps per minute between which every runner's cadence lies."""
TYPICAL_SPM = 165.0
SETTLED_SHARE = 0.93
SETTLED_WITHIN_S = 41


def label_gait(
    speed_mps: Array,
    cadence_spm: Array,
    *,
    scale_s: int = 15,
    stand_below_mps: float = 0.5,
    run_from_spm: float = 135.0,
    walk_below_spm: float = 125.0,
    run_from_mps: float = 2.1,
) -> Integers:
    """Gait of each second as an index into `tables.GAITS`.

    By the 15 s median of cadence: running from 135 steps/min on, walking below 125, between them what it
    was before. On real trails walkers stay below 120 and runners above 130, slow as they may be; a bar
    at 140 cut slow running on rough ground out, the more of it the less steady the day (docs/methods.md). A
    speed that is no longer walked is running: people change near 2.0 m/s (Hreljac 1993,
    doi 10.1249/00005768-199310000-00012). Where no cadence is known within 15 s, speed alone decides.
    Running begins, and ends, with a second that is near the running's own cadence (`_settled`).
    """
    moving, running = (most_of(speed_mps >= limit, scale_s) for limit in (stand_below_mps, run_from_mps))
    near = is_known_near(cadence_spm, 2 * scale_s + 1)
    if near.any():
        whole = fill_between(cadence_spm)
        begins, goes_on = (most_of(whole >= limit, scale_s) for limit in (run_from_spm, walk_below_spm))
        running |= near & _held(begins, ~goes_on)
        running = _settled(running, whole, scale_s)
    return np.where(moving, np.where(running, RUN, WALK), STAND)


def _held(begins: Mask, ends: Mask) -> Mask:
    """On from where it begins to before where it ends; off until it first begins."""
    decided = begins | ends
    last = np.maximum.accumulate(np.where(decided, np.arange(len(begins)), 0))
    return np.asarray(begins[last])


def _settled(running: Mask, cadence_spm: Array, longest_s: int) -> Mask:
    """`running` without the seconds at either end whose cadence is on its way from, or to, that of a walk.

    A change of gait is a step of some 40 steps/min: it is no unsteadiness, but would be the largest there is.
    Only what adjoins the change is left out, until the first second at 93 % of the nearest 41 s; within a
    stretch every dip stays.
    """
    borders = stretches(running)
    begin, end = (edge[running[borders[:-1]]] for edge in (borders[:-1], borders[1:]))
    first, step = np.concatenate([begin, end - 1]), np.repeat([1, -1], len(begin))
    on_the_way = _seconds_on_the_way(cadence_spm, first, step, np.tile(end - begin, 2), longest_s)
    coming, going = on_the_way.reshape(2, -1)
    settled = running.copy()
    for a, b in zip(begin.tolist(), (begin + coming).tolist(), strict=True):
        settled[a:b] = False
    for a, b in zip((end - going).tolist(), end.tolist(), strict=True):
        settled[a:b] = False
    return settled


def _seconds_on_the_way(
    cadence_spm: Array, first: Integers, step: Integers, length: Integers, longest_s: int
) -> Integers:
    """Of each stretch of running, from `first` on by `step`, the seconds before it is settled."""
    offset = np.arange(SETTLED_WITHIN_S)
    within = offset < length[:, None]
    nearest = np.where(within, first[:, None] + step[:, None] * offset, 0)
    own = np.where(within, cadence_spm.take(nearest), np.inf)  # beyond its other end nothing is too low
    ordered, n = np.sort(own, axis=1), np.minimum(length, SETTLED_WITHIN_S)
    stretch = np.arange(len(length))
    usual = (ordered[stretch, (n - 1) // 2] + ordered[stretch, n // 2]) / 2
    there = own[:, :longest_s] >= SETTLED_SHARE * usual[:, None]
    return np.where(there.any(axis=1), there.argmax(axis=1), longest_s)


def flag_cadence(
    cadence_spm: Array,
    speed_mps: Array,
    gait: Integers,
    *,
    local_s: int = 31,
    spike_share: float = 0.30,
    half_below: float = 0.58,
    double_above: float = 1.8,
    frozen_s: int = 20,
    frozen_speed_range_mps: float = 1.0,
) -> Integers:
    """Whether each second's cadence can be used, as an index into `tables.CADENCE_FLAGS`.

    missing: not recorded. The others judge running alone. half, double: below 58 % or above 180 % of the
    run's own usual cadence. spike: further than 30 % from the 31 s median of the running, or as far above
    the usual, where a watch counts too many steps for longer than that median bridges. frozen: the
    same value for over 20 s while the 15 s mean of speed changes by more than 1 m/s (10th to 90th
    percentile); a steady runner's constant cadence, and a speed that only jitters, are not frozen.
    """
    flag = np.full(len(cadence_spm), OK)
    known = np.isfinite(cadence_spm)
    running = known & (gait == RUN)
    seconds = np.flatnonzero(running)
    if len(seconds):
        ratio = cadence_spm / _usual_cadence(cadence_spm.take(seconds))
        # Of the running alone: beside a short run, the median of all seconds is that of the walk.
        local = median_filter(fill_between(np.where(running, cadence_spm, np.nan)), local_s, mode="nearest")
        spike = (np.abs(cadence_spm / local - 1) > spike_share) | (ratio > 1 + spike_share)
        np.putmask(flag, running & spike, SPIKE)
        np.putmask(flag, running & (ratio < half_below), HALF)
        np.putmask(flag, running & (ratio > double_above), DOUBLE)
        np.putmask(flag, _frozen(cadence_spm, speed_mps, running, frozen_s, frozen_speed_range_mps), FROZEN)
    np.putmask(flag, ~known, MISSING)
    return flag


def _usual_cadence(running_spm: Array) -> float:
    """The median of what can be a runner's cadence, so that a run mostly at half is not its own measure."""
    low, high = RUNNING_SPM
    plausible = running_spm[(running_spm > low) & (running_spm < high)]
    return quantile(plausible, 0.5) if plausible.size else TYPICAL_SPM


def _frozen(cadence: Array, speed: Array, running: Mask, longest_s: int, speed_range_mps: float) -> Mask:
    frozen = np.zeros(len(cadence), dtype=bool)
    borders = stretches(np.where(running, cadence, -1.0))
    long = np.flatnonzero((np.diff(borders) > longest_s) & running[borders[:-1]])
    slow_speed = rolling_mean(speed, 15) if len(long) else speed
    for k in long:
        part = slice(borders[k], borders[k + 1])
        speeds = slow_speed[part][np.isfinite(slow_speed[part])]
        if len(speeds):
            frozen[part] = quantile(speeds, 0.9) - quantile(speeds, 0.1) > speed_range_mps
    return frozen
