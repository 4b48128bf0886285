"""Gait and the usability of each second's cadence.

Gait is decided on a 15 s scale: a stumble, a hop or a brake lowers cadence for a second or two, and
if that second counted as walking the unsteady moments would vanish and the runner would look steady.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter

from pipeline.numeric import Array, Integers, Mask, fill_between, stretches
from pipeline.tables import CADENCE_FLAGS, GAITS

RUN, WALK, STAND = (GAITS.index(g) for g in ("run", "walk", "stand"))
OK, MISSING, SPIKE, FROZEN, HALF, DOUBLE = (
    CADENCE_FLAGS.index(f) for f in ("ok", "missing", "spike", "frozen", "half", "double")
)


def label_gait(
    speed_mps: Array,
    cadence_spm: Array,
    *,
    scale_s: int = 15,
    stand_below_mps: float = 0.5,
    run_from_spm: float = 140.0,
    run_from_mps: float = 2.1,
) -> Integers:
    """Gait of each second as an index into `tables.GAITS`.

    Running is a 15 s median cadence of 140 steps/min and more, or a speed that is no longer walked:
    people change from walking to running near 2.0 m/s (Hreljac 1993, doi 10.1249/00005768-199310000-00012).
    Without cadence, speed alone decides.
    """
    speed = median_filter(np.nan_to_num(speed_mps), scale_s, mode="nearest")
    running = speed >= run_from_mps
    if np.isfinite(cadence_spm).any():
        cadence = median_filter(fill_between(cadence_spm), scale_s, mode="nearest")
        running |= cadence >= run_from_spm
    return np.where(speed < stand_below_mps, STAND, np.where(running, RUN, WALK))


def flag_cadence(
    cadence_spm: Array,
    speed_mps: Array,
    gait: Integers,
    *,
    local_s: int = 31,
    spike_share: float = 0.30,
    frozen_s: int = 20,
    frozen_speed_range_mps: float = 0.6,
) -> Integers:
    """Whether each second's cadence can be used, as an index into `tables.CADENCE_FLAGS`.

    missing: not recorded. half, double: near half or twice the run's own running cadence while
    running. spike: further than 30 % from the 31 s median while running. frozen: the same value for
    over 20 s while speed changes by more than 0.6 m/s (10th to 90th percentile).
    """
    flag = np.full(len(cadence_spm), OK)
    known = np.isfinite(cadence_spm)
    running = known & (gait == RUN)
    if running.any():
        usual = float(np.median(cadence_spm[running]))
        ratio = cadence_spm / usual
        local = median_filter(fill_between(cadence_spm), local_s, mode="nearest")
        flag[running & (np.abs(cadence_spm / local - 1) > spike_share)] = SPIKE
        flag[running & (ratio > 0.42) & (ratio < 0.58)] = HALF
        flag[running & (ratio > 1.8) & (ratio < 2.2)] = DOUBLE
        flag[_frozen(cadence_spm, speed_mps, running, frozen_s, frozen_speed_range_mps)] = FROZEN
    flag[~known] = MISSING
    return flag


def _frozen(cadence: Array, speed: Array, running: Mask, longest_s: int, speed_range_mps: float) -> Mask:
    frozen = np.zeros(len(cadence), dtype=bool)
    borders = stretches(np.where(running, cadence, -1.0))
    for k in np.flatnonzero(np.diff(borders) > longest_s):
        part = slice(borders[k], borders[k + 1])
        if running[borders[k]]:
            low, high = np.nanquantile(speed[part], [0.1, 0.9])
            frozen[part] = high - low > speed_range_mps
    return frozen
