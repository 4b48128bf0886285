"""What is said of a run's windows: each metric of steadiness, its direction and its plain sentence.

A new metric is one entry in `METRICS`: what each window says, and the value made of the means over windows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pipeline.numeric import Array, Integers
from pipeline.tables import DIRECTIONS

EARLY, MIDDLE, LATE = range(3)


@dataclass(frozen=True, slots=True)
class Windows:
    """The 20 s windows of a run in order of time: arrays of one entry per window, NaN where not recorded."""

    start_s: Array
    terrain: Integers  # index into tables.TERRAINS
    direction: Integers  # index into tables.DIRECTIONS
    third: Integers  # of the run's seconds of running: EARLY, MIDDLE or LATE
    residual_sd_spm: Array  # of the adjusted, detrended cadence
    cadence_mean_spm: Array
    cadence_sd_spm: Array  # of the cadence as recorded
    stance_sd_ms: Array  # of the adjusted, detrended stance time
    stance_mean_ms: Array
    balance_sd: Array  # of the left foot's share of stance time, detrended
    balance_mean: Array

    def __len__(self) -> int:
        return len(self.start_s)


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of steadiness.

    `of_window` gives one array of one entry per window for each argument of `of_means`, which takes their
    means (arrays of any one shape) to values of that shape: so a bootstrap resamples sums, not windows.
    Windows where one of the arrays is NaN say nothing and are left out. `thirds` of the run enter; two of
    them are compared. `floor` is the least value there can be.
    """

    of_window: Callable[[Windows], tuple[Array, ...]]
    of_means: Callable[..., Array]
    steadier_is: str  # "lower" or "higher"
    sentence: str
    thirds: tuple[int, ...] = (EARLY, MIDDLE, LATE)
    floor: float = 0.0

    def compute(self, windows: Windows) -> float:
        """The value over those of `windows` that enter; NaN where there is none."""
        columns = np.array(self.of_window(windows))
        enters = np.isin(windows.third, self.thirds) & np.isfinite(columns).all(axis=0)
        return float(self.of_means(*columns[:, enters].mean(axis=1))) if enters.any() else float("nan")


def _of_level(
    sd: Callable[[Windows], Array], mean: Callable[[Windows], Array]
) -> Callable[..., tuple[Array, ...]]:
    return lambda windows: (np.log(sd(windows)), mean(windows))


def _level(log_sd: Array, mean: Array) -> Array:
    """Exponential of the mean log SD, as a share of the mean."""
    return np.asarray(np.exp(log_sd) / mean)


def _raw(windows: Windows) -> tuple[Array, ...]:
    return windows.cadence_sd_spm**2 + windows.cadence_mean_spm**2, windows.cadence_mean_spm


def _pooled(square: Array, mean: Array) -> Array:
    """SD over all seconds of the windows together, as a share of the mean."""
    return np.asarray(np.sqrt(np.maximum(square - mean**2, 0.0)) / mean)


def _by_third_and_direction(windows: Windows) -> tuple[Array, ...]:
    """For each direction: whether a window is early, its log variability if so, and the same of late."""
    value = np.log(windows.residual_sd_spm / windows.cadence_mean_spm)
    columns: list[Array] = []
    for direction in range(len(DIRECTIONS)):
        for third in (EARLY, LATE):
            at = ((windows.direction == direction) & (windows.third == third)).astype(np.float64)
            columns += [at, at * value]
    return tuple(columns)


def _late_against_early(*means: Array) -> Array:
    """Change from early to late, directions compared each with itself and weighted by n n' / (n + n')."""
    total, weight = np.zeros(np.shape(means[0])), np.zeros(np.shape(means[0]))
    for k in range(0, len(means), 4):
        n, early, n_late, late = means[k : k + 4]
        both = n * n_late > 1e-12
        early, late = (
            np.divide(x, m, out=np.zeros_like(total), where=both) for x, m in ((early, n), (late, n_late))
        )
        own = np.divide(n * n_late, n + n_late, out=np.zeros_like(total), where=both)
        total, weight = total + own * (late - early), weight + own
    return np.expm1(np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0))


_CADENCE_CV = Metric(
    _of_level(lambda windows: windows.residual_sd_spm, lambda windows: windows.cadence_mean_spm),
    _level,
    "lower",
    "Wobble of cadence within 20 s, speed and grade allowed for, as a share of cadence.",
)

METRICS = {
    "cadence_cv": _CADENCE_CV,
    "cadence_cv_raw": Metric(
        _raw,
        _pooled,
        "lower",
        "Spread of cadence as recorded, as a share of it; changes of pace count as wobble.",
    ),
    "cadence_cv_early": replace(
        _CADENCE_CV,
        sentence="Wobble of cadence in the first third of the run's running.",
        thirds=(EARLY,),
    ),
    "cadence_cv_late": replace(
        _CADENCE_CV,
        sentence="Wobble of cadence in the last third of the run's running.",
        thirds=(LATE,),
    ),
    "cadence_cv_late_change": Metric(
        _by_third_and_direction,
        _late_against_early,
        "lower",
        "Change of the wobble of cadence from the first to the last third, uphill with uphill, level with "
        "level, downhill with downhill: 0.1 is 10 % less steady late.",
        thirds=(EARLY, LATE),
        floor=-1.0,
    ),
    "stance_time_cv": Metric(
        _of_level(lambda windows: windows.stance_sd_ms, lambda windows: windows.stance_mean_ms),
        _level,
        "lower",
        "Wobble of stance time within 20 s, speed and grade allowed for, as a share of stance time.",
    ),
    "stance_balance_sd": Metric(
        lambda windows: (np.log(windows.balance_sd),),
        np.exp,
        "lower",
        "Wobble within 20 s of the left foot's share of stance time.",
    ),
    "stance_asymmetry": Metric(
        lambda windows: (windows.balance_mean,),
        lambda share: np.abs(share - 0.5),
        "lower",
        "How far the left foot's share of stance time is from one half.",
    ),
}
