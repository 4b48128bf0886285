"""How steady cadence was: per run, terrain and direction, adjusted for speed and grade.

1. One regression per device epoch of an athlete predicts cadence from speed and grade; its sums are
   kept per run, so that a new run costs one run (`sum_cadence`, `fit_cadence`).
2. What the prediction leaves, less its centred 31 s mean, is the unsteadiness of each second.
3. Windows of 20 s that lie wholly in one uninterrupted stretch of running on one terrain, at least 12
   of their seconds with usable cadence (`derive_windows`); the SD of each is not taken below 0.2 spm.
4. Metrics over the windows, each with a block bootstrap interval (`measure_stability`).

A new metric is one function and one entry in `METRICS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.numeric import Array, Integers, Mask, rolling_mean_within, stretches
from pipeline.tables import CADENCE_FLAGS, DIRECTIONS, GAITS, TERRAINS, DataFrame, Stability, Track

WINDOW_S = 20
MIN_KNOWN_S = 12
TREND_S = 31
SD_FLOOR_SPM = 0.2
LEVEL_GRADE = 0.03
BOOTSTRAPS = 300
BLOCK_WINDOWS = 3
MIN_INTERVAL_WINDOWS = 2 * BLOCK_WINDOWS
N_TERMS = 5
RUN = GAITS.index("run")
OK = CADENCE_FLAGS.index("ok")
_SCHEMA = Stability.create_empty().schema


@dataclass(frozen=True, slots=True)
class Windows:
    """The 20 s windows of a run in order of time: arrays of one entry per window."""

    start_s: Array
    terrain: Integers  # index into tables.TERRAINS
    direction: Integers  # index into tables.DIRECTIONS
    residual_sd_spm: Array  # of the adjusted, detrended cadence
    cadence_mean_spm: Array
    cadence_sd_spm: Array  # of the cadence as recorded

    def __getitem__(self, key: Integers | Mask) -> Windows:
        return Windows(*(getattr(self, f.name)[key] for f in fields(self)))

    def __len__(self) -> int:
        return len(self.start_s)


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of steadiness: what each window says, and the value made of the means over windows.

    `of_window` gives one array of one entry per window for each argument of `of_means`, which takes their
    means (arrays of any one shape) to values of that shape. So a bootstrap resamples sums, not windows.
    """

    of_window: Callable[[Windows], tuple[Array, ...]]
    of_means: Callable[..., Array]
    steadier_is: str  # "lower" or "higher"
    sentence: str

    def compute(self, windows: Windows) -> float:
        """The value over all of `windows`, at least one."""
        return float(self.of_means(*(column.mean() for column in self.of_window(windows))))


def _spread(square: Array, mean: Array) -> Array:
    return np.asarray(np.sqrt(np.maximum(square - mean**2, 0.0)) / mean)


METRICS = {
    "cadence_cv": Metric(
        lambda windows: (np.log(windows.residual_sd_spm), windows.cadence_mean_spm),
        lambda log_sd, cadence: np.exp(log_sd) / cadence,
        "lower",
        "Wobble of cadence within 20 s, speed and grade allowed for, as a share of cadence.",
    ),
    "cadence_cv_raw": Metric(
        lambda windows: (windows.cadence_sd_spm**2 + windows.cadence_mean_spm**2, windows.cadence_mean_spm),
        _spread,
        "lower",
        "Spread of cadence as recorded, as a share of it; changes of pace count as wobble.",
    ),
}


def _usable(track: DataFrame[Track]) -> Mask:
    """Seconds of running whose cadence can be used."""
    found: Mask = (_codes(track, "gait") == RUN) & (_codes(track, "cadence_flag") == OK)
    found &= np.isfinite(track["speed_mps"].to_numpy())
    return found


def _codes(track: DataFrame[Track], column: str) -> NDArray[Any]:
    """Index of each second's word in its list; NaN where there is none."""
    return track[column].to_physical().to_numpy()


def _terms(track: DataFrame[Track]) -> Array:
    """Columns 1, v, v^2, g, g^2 of shape (seconds, 5); an unknown grade counts as level."""
    v, g = (np.nan_to_num(track[column].to_numpy()) for column in ("speed_mps", "grade"))
    return np.column_stack([np.ones(len(v)), v, v**2, g, g**2])


def sum_cadence(track: DataFrame[Track]) -> list[float]:
    """Sums of the cadence regression over a run's usable seconds: X'X (25 values, by row), then X'y (5)."""
    at = _usable(track)
    x, y = _terms(track)[at], track["cadence_spm"].to_numpy()[at]
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


def derive_windows(track: DataFrame[Track], coefficients: Array) -> Windows:
    """Cut a labelled track into 20 s windows; what is left of a stretch is split over its two ends."""
    running = _codes(track, "gait") == RUN
    elapsed = track["elapsed_s"].to_numpy()
    terrain = np.nan_to_num(_codes(track, "terrain"), nan=-1).astype(np.int64)
    cadence = np.where(_usable(track), track["cadence_spm"].to_numpy(), np.nan)
    terms = _terms(track)
    residual = cadence - terms @ coefficients
    # A new stretch starts where seconds are skipped, running stops or the terrain changes.
    stretch = np.cumsum(np.diff(elapsed, prepend=elapsed[:1]) > 1) * 4 + np.where(running, terrain, 3)
    borders = stretches(stretch)
    first = _starts(borders, running & (terrain >= 0))
    seconds = first[:, None] + np.arange(WINDOW_S)
    enough = np.isfinite(cadence[seconds]).sum(axis=1) >= MIN_KNOWN_S
    first, seconds = first[enough], seconds[enough]
    detrended = residual - rolling_mean_within(residual, TREND_S, borders)
    slope = terms[seconds, 3].mean(axis=1)
    _, residual_sd = _mean_and_sd(detrended[seconds])
    cadence_mean, cadence_sd = _mean_and_sd(cadence[seconds])
    return Windows(
        start_s=elapsed[first].astype(np.float64),
        terrain=terrain[first],
        direction=np.where(
            slope > LEVEL_GRADE,
            DIRECTIONS.index("up"),
            np.where(slope < -LEVEL_GRADE, DIRECTIONS.index("down"), DIRECTIONS.index("level")),
        ),
        residual_sd_spm=np.maximum(residual_sd, SD_FLOOR_SPM),
        cadence_mean_spm=cadence_mean,
        cadence_sd_spm=cadence_sd,
    )


def _starts(borders: Integers, wanted: Mask) -> Integers:
    """First second of every window: as many in the middle of each wanted stretch as fit into it."""
    begin = borders[:-1]
    length = np.diff(borders)
    n = np.where(wanted[begin], length // WINDOW_S, 0)
    within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    return np.asarray(np.repeat(begin + (length - n * WINDOW_S) // 2, n) + WINDOW_S * within)


def _mean_and_sd(value: Array) -> tuple[Array, Array]:
    """Mean and population SD of each row, NaN left out."""
    known = np.isfinite(value)
    n = known.sum(axis=1)
    mean = np.where(known, value, 0.0).sum(axis=1) / n
    return mean, np.sqrt((np.where(known, value - mean[:, None], 0.0) ** 2).sum(axis=1) / n)


def measure_stability(run_id: str, windows: Windows) -> DataFrame[Stability]:
    """Every metric of a run by terrain and direction, with a 95 % interval where 6 windows or more."""
    columns = {name: metric.of_window(windows) for name, metric in METRICS.items()}
    keys, drawn = [], []
    for t, terrain in enumerate(TERRAINS):
        for d, direction in enumerate(("all", *DIRECTIONS)):
            part = (windows.terrain == t) & ((windows.direction == d - 1) | (d == 0))
            n = int(part.sum())
            if n:
                means = _resampled_means(np.array([c[part] for own in columns.values() for c in own]))
                for name, own in columns.items():
                    keys.append((terrain, direction, name, n))
                    drawn.append(METRICS[name].of_means(*means[: len(own)]))
                    means = means[len(own) :]
    return _table(run_id, keys, np.array(drawn).reshape(len(keys), 1 + BOOTSTRAPS))


def _resampled_means(columns: Array) -> Array:
    """Means over windows of each row of `columns`, then those of moving block bootstrap samples.

    Kuensch 1989, doi 10.1214/aos/1176347265, in blocks of 3. Shape (rows, 1 + BOOTSTRAPS); NaN instead of
    samples below 6 windows. The draw is fixed, so that the same run gives the same bytes.
    """
    k, n = columns.shape
    found = np.full((k, 1 + BOOTSTRAPS), np.nan)
    found[:, 0] = columns.mean(axis=1)
    if n >= MIN_INTERVAL_WINDOWS:
        start = _block_starts(n)
        total = np.concatenate([np.zeros((k, 1)), np.cumsum(columns - found[:, :1], axis=1)], axis=1)
        block = total[:, BLOCK_WINDOWS:] - total[:, :-BLOCK_WINDOWS]
        last = n - BLOCK_WINDOWS * (len(start) - 1)  # of the last block only as much as is needed for n
        rest = total[:, start[-1] + last] - total[:, start[-1]]
        found[:, 1:] = found[:, :1] + (block[:, start[:-1]].sum(axis=1) + rest) / n
    return found


@lru_cache(maxsize=64)
def _block_starts(n: int) -> Integers:
    """First window of each block, of shape (blocks, BOOTSTRAPS), for samples of `n` windows."""
    blocks = -(-n // BLOCK_WINDOWS)
    start = np.random.default_rng(n).integers(0, n - BLOCK_WINDOWS + 1, (BOOTSTRAPS, blocks))
    return np.ascontiguousarray(start.T)


def _table(run_id: str, keys: list[tuple[str, str, str, int]], drawn: Array) -> DataFrame[Stability]:
    """Rows of terrain, direction, metric and windows, with the value and the quantiles of its samples."""
    terrain, direction, metric, n = zip(*keys, strict=True) if keys else ((), (), (), ())
    low, high = np.quantile(drawn[:, 1:], [0.025, 0.975], axis=1)
    columns = {
        "run_id": [run_id] * len(keys),
        "terrain": terrain,
        "direction": direction,
        "metric": metric,
        "value": drawn[:, 0],
        "low": low,
        "high": high,
        "n_windows": n,
        "seconds": WINDOW_S * np.array(n, dtype=np.float64),
    }
    # The schema is given and the values are our own: a check here would cost more than the windows do.
    return cast(DataFrame[Stability], pl.DataFrame(columns, schema=_SCHEMA, nan_to_null=True))
