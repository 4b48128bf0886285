"""A run's seconds of running, cut into windows of 20 s on one ground each.

1. One regression per device epoch of an athlete predicts cadence from speed and grade; its sums are
   kept per run, so that a new run costs one run (`sum_cadence`, `fit_cadence`).
2. What the prediction leaves, less its centred 31 s mean, is the unsteadiness of each second (`adjust`).
3. Windows of 20 s that lie wholly in one uninterrupted stretch of running on one ground, at least 12
   of their seconds with usable cadence (`cut_windows`); the SD of each is not taken below 0.2 spm.
4. Where the watch recorded them, stance time and its balance are taken in the same windows, adjusted by
   a regression of the run's own.

A run is cut more than once: by its ground, and by the stretches of trail that it passed. What does not hang
on the cut is made once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from pipeline.metrics import Windows
from pipeline.numeric import Array, Integers, Mask, RunningSums
from pipeline.seconds import N_TERMS, RUN, Seconds
from pipeline.tables import DIRECTIONS

WINDOW_S = 20
MIN_KNOWN_S = 12
TREND_S = 31
SD_FLOOR_SPM = 0.2
SD_FLOOR_MS = 0.5
SD_FLOOR_BALANCE = 0.0005
LEVEL_GRADE = 0.03


def sum_cadence(seconds: Seconds) -> list[float]:
    """Sums of the cadence regression over a run's usable seconds: X'X (25 values, by row), then X'y (5)."""
    at = np.flatnonzero(np.isfinite(seconds.usable_spm))
    return _sums(seconds.terms.take(at, axis=0), seconds.usable_spm.take(at))


def _sums(x: Array, y: Array) -> list[float]:
    return [*(x.T @ x).ravel().tolist(), *(x.T @ y).tolist()]


def fit_cadence(sums: Iterable[list[float]]) -> Array:
    """Coefficients (5,) of cadence on 1, v, v^2, g, g^2 from the sums of many runs.

    A ridge of one part in a million keeps runs without hills or changes of pace solvable.
    """
    total = np.sum(list(sums), axis=0)
    xx, xy = total[: N_TERMS**2].reshape(N_TERMS, N_TERMS), total[N_TERMS**2 :]
    if xx[0, 0] == 0:
        return np.zeros(N_TERMS)
    return np.asarray(np.linalg.solve(xx + np.diag(1e-6 * np.diag(xx) + 1e-9), xy))


@dataclass(frozen=True, slots=True)
class _Wobble:
    """What a prediction leaves of a value, second by second, and the least SD that is believed."""

    left: Array
    sums: RunningSums
    floor: float

    @classmethod
    def of(cls, left: Array, floor: float) -> _Wobble:
        return cls(left, RunningSums.of(left), floor)


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A run's seconds with what is the same however they are cut into windows."""

    seconds: Seconds
    running: Mask
    breaks: Mask  # between each second and the next: seconds are skipped, or running stops or begins
    run_s: Integers  # seconds of running up to each
    cadence: _Wobble
    stance: tuple[Array, _Wobble] | None
    balance: tuple[Array, _Wobble] | None

    def without_dynamics(self) -> Adjusted:
        """With its cadence alone."""
        return replace(self, stance=None, balance=None)


def adjust(
    seconds: Seconds,
    coefficients: Array,
    *,
    stance_time_ms: Array | None = None,
    stance_balance: Array | None = None,
) -> Adjusted:
    """Take off what is predicted.

    `coefficients` (5,) are of cadence on speed and grade. Running dynamics, where the watch recorded them,
    are arrays of one entry per second, NaN where not known (`channels.pick_dynamics`).
    """
    running, terms = seconds.gait == RUN, seconds.terms
    stance = balance = None
    if stance_time_ms is not None:
        timed = running & np.isfinite(stance_time_ms)
        usual = terms @ fit_cadence([_sums(terms[timed], stance_time_ms[timed])])
        stance = stance_time_ms, _Wobble.of(stance_time_ms - usual, SD_FLOOR_MS)
    if stance_balance is not None:
        balance = stance_balance, _Wobble.of(stance_balance, SD_FLOOR_BALANCE)
    return Adjusted(
        seconds,
        running,
        (running[1:] != running[:-1]) | (np.diff(seconds.elapsed_s) > 1),
        np.cumsum(running),
        _Wobble.of(seconds.usable_spm - terms @ coefficients, SD_FLOOR_SPM),
        stance,
        balance,
    )


def cut_windows(run: Adjusted, ground: Integers) -> Windows:
    """Cut a run into 20 s windows; what is left of a stretch is split over its two ends.

    `ground` (seconds,) is what each second lies on, an index into tables.TERRAINS or the number of a part
    of the run, -1 for none: no window straddles two.
    """
    cadence = run.seconds.usable_spm
    first, begin, end = _starts(run, ground)
    enough = run.cadence.sums.count[first + WINDOW_S] - run.cadence.sums.count[first] >= MIN_KNOWN_S
    first, begin, end = (index[enough, None] for index in (first, begin, end))
    within = first + np.arange(WINDOW_S)
    low, high = np.maximum(within - TREND_S // 2, begin), np.minimum(within + TREND_S // 2 + 1, end)

    def unsteady(value: _Wobble) -> Array:
        detrended = value.left[within] - value.sums.mean(low, high)
        return np.maximum(_mean_and_sd(detrended)[1], value.floor)

    first = first[:, 0]
    unknown = np.full(len(first), np.nan)
    cadence_mean, cadence_sd = _mean_and_sd(cadence[within])
    slope = np.nan_to_num(run.seconds.grade[within]).mean(axis=1)
    return Windows(
        start_s=run.seconds.elapsed_s[first].astype(np.float64),
        terrain=ground[first],
        direction=direction_of(slope),
        third=3 * (run.run_s[first] - 1) // max(int(run.run_s[-1:].sum()), 1),
        residual_sd_spm=unsteady(run.cadence),
        cadence_mean_spm=cadence_mean,
        cadence_sd_spm=cadence_sd,
        stance_sd_ms=unsteady(run.stance[1]) if run.stance else unknown,
        stance_mean_ms=_mean_and_sd(run.stance[0][within])[0] if run.stance else unknown,
        balance_sd=unsteady(run.balance[1]) if run.balance else unknown,
        balance_mean=_mean_and_sd(run.balance[0][within])[0] if run.balance else unknown,
    )


def _starts(run: Adjusted, ground: Integers) -> tuple[Integers, Integers, Integers]:
    """First second of each window, and the borders of the stretch of running on one ground that it lies in.

    As many as fit into a stretch, in the middle of it.
    """
    changes = np.flatnonzero(run.breaks | (ground[1:] != ground[:-1])) + 1
    begin = np.concatenate([np.zeros(min(len(ground), 1), np.int64), changes])
    end = np.append(begin[1:], len(ground))[: len(begin)]
    n = np.where(run.running[begin] & (ground[begin] >= 0), (end - begin) // WINDOW_S, 0)
    within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    begin, end, n = (np.repeat(of_stretch, n) for of_stretch in (begin, end, n))
    return begin + (end - begin - n * WINDOW_S) // 2 + WINDOW_S * within, begin, end


def direction_of(slope: Array) -> Integers:
    """Index into tables.DIRECTIONS."""
    up, level, down = (DIRECTIONS.index(name) for name in ("up", "level", "down"))
    return np.where(slope > LEVEL_GRADE, up, np.where(slope < -LEVEL_GRADE, down, level))


def _mean_and_sd(value: Array) -> tuple[Array, Array]:
    """Mean and population SD of each row with 12 known values or more, NaN of others."""
    known = np.isfinite(value)
    n = known.sum(axis=1)
    n = np.where(n >= MIN_KNOWN_S, n, np.nan)
    mean = np.where(known, value, 0.0).sum(axis=1) / n
    return mean, np.sqrt((np.where(known, value - mean[:, None], 0.0) ** 2).sum(axis=1) / n)


def join_windows(of_runs: Sequence[Windows]) -> Windows:
    """Windows of one or more runs, one run after the other."""
    names = [field.name for field in fields(Windows)]
    return Windows(*(np.concatenate([getattr(own, name) for own in of_runs]) for name in names))
