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
from itertools import pairwise

import numpy as np
import polars as pl

from pipeline.numeric import Array, Integers, Mask, rolling_mean, stretches
from pipeline.tables import DIRECTIONS, TERRAINS, DataFrame, Stability, Track

WINDOW_S = 20
MIN_KNOWN_S = 12
TREND_S = 31
SD_FLOOR_SPM = 0.2
LEVEL_GRADE = 0.03
BOOTSTRAPS = 300
BLOCK_WINDOWS = 3
N_TERMS = 5


@dataclass(frozen=True, slots=True)
class Windows:
    """The 20 s windows of a run in order of time: arrays of one entry per window along the last axis."""

    start_s: Array
    terrain: Integers  # index into tables.TERRAINS
    direction: Integers  # index into tables.DIRECTIONS
    residual_sd_spm: Array  # of the adjusted, detrended cadence
    cadence_mean_spm: Array
    cadence_sd_spm: Array  # of the cadence as recorded

    def __getitem__(self, key: Integers | Mask) -> Windows:
        return Windows(*(getattr(self, f.name)[key] for f in fields(self)))

    def __len__(self) -> int:
        return int(self.start_s.shape[-1])


def cadence_cv(windows: Windows) -> Array:
    """Exponential of the mean log SD of adjusted cadence over 20 s windows, over mean cadence."""
    level = np.exp(np.log(windows.residual_sd_spm).mean(axis=-1))
    return np.asarray(level / windows.cadence_mean_spm.mean(axis=-1))


def cadence_cv_raw(windows: Windows) -> Array:
    """SD of cadence as recorded, over its mean: what most tools call cadence variability."""
    mean = windows.cadence_mean_spm.mean(axis=-1)
    between = windows.cadence_mean_spm.var(axis=-1)
    return np.asarray(np.sqrt((windows.cadence_sd_spm**2).mean(axis=-1) + between) / mean)


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of steadiness: windows to a value (reduced over the last axis), its direction in words."""

    compute: Callable[[Windows], Array]
    steadier_is: str  # "lower" or "higher"
    sentence: str


METRICS = {
    "cadence_cv": Metric(
        cadence_cv,
        "lower",
        "Wobble of cadence within 20 s, speed and grade allowed for, as a share of cadence.",
    ),
    "cadence_cv_raw": Metric(
        cadence_cv_raw,
        "lower",
        "Spread of cadence as recorded, as a share of it; changes of pace count as wobble.",
    ),
}


def usable(track: DataFrame[Track]) -> Mask:
    """Seconds of running whose cadence can be used."""
    return (
        track.select(
            (pl.col("gait") == "run") & (pl.col("cadence_flag") == "ok") & pl.col("speed_mps").is_not_null()
        )
        .to_series()
        .to_numpy()
    )


def _terms(track: DataFrame[Track]) -> Array:
    """Columns 1, v, v^2, g, g^2 of shape (seconds, 5); an unknown grade counts as level."""
    v = track["speed_mps"].fill_null(0.0).to_numpy()
    g = track["grade"].fill_null(0.0).to_numpy()
    return np.column_stack([np.ones(len(v)), v, v**2, g, g**2])


def sum_cadence(track: DataFrame[Track]) -> list[float]:
    """Sums of the cadence regression over a run's usable seconds: X'X (25 values, by row), then X'y (5)."""
    at = usable(track)
    x, y = _terms(track)[at], track["cadence_spm"].fill_null(0.0).to_numpy()[at]
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
    ok = usable(track)
    running = (track["gait"] == "run").to_numpy()
    elapsed = track["elapsed_s"].to_numpy()
    terrain = _terrain_index(track)
    cadence = np.where(ok, track["cadence_spm"].fill_null(0.0).to_numpy(), np.nan)
    grade = track["grade"].fill_null(0.0).to_numpy()
    residual = cadence - _terms(track) @ coefficients
    # A new stretch starts where seconds are skipped, running stops or the terrain changes.
    stretch = np.cumsum(np.diff(elapsed, prepend=elapsed[:1]) > 1) * 4 + np.where(running, terrain, 3)
    borders = stretches(stretch)
    starts: list[Integers] = []
    detrended = np.zeros(len(cadence))
    for a, b in pairwise(borders):
        n = (b - a) // WINDOW_S
        if n and running[a] and terrain[a] >= 0:
            detrended[a:b] = residual[a:b] - rolling_mean(residual[a:b], TREND_S)
            starts.append(a + (b - a - n * WINDOW_S) // 2 + WINDOW_S * np.arange(n))
    first = np.concatenate(starts) if starts else np.zeros(0, dtype=np.int64)
    known = np.isfinite(cadence[first[:, None] + np.arange(WINDOW_S)]).sum(axis=1)
    first = first[known >= MIN_KNOWN_S]
    seconds = first[:, None] + np.arange(WINDOW_S)
    slope = grade[seconds].mean(axis=1)
    level = DIRECTIONS.index("level")
    return Windows(
        start_s=elapsed[first].astype(np.float64),
        terrain=terrain[first],
        direction=np.where(
            slope > LEVEL_GRADE,
            DIRECTIONS.index("up"),
            np.where(slope < -LEVEL_GRADE, DIRECTIONS.index("down"), level),
        ),
        residual_sd_spm=np.maximum(np.nanstd(detrended[seconds], axis=1), SD_FLOOR_SPM),
        cadence_mean_spm=np.nanmean(cadence[seconds], axis=1),
        cadence_sd_spm=np.nanstd(cadence[seconds], axis=1),
    )


def _terrain_index(track: DataFrame[Track]) -> Integers:
    """Index into tables.TERRAINS, -1 where a second has no label."""
    return track["terrain"].to_physical().cast(pl.Int64).fill_null(-1).to_numpy()


def measure_stability(run_id: str, windows: Windows) -> DataFrame[Stability]:
    """Every metric of a run by terrain and direction, with a 95 % interval where 6 windows or more."""
    rows = []
    for t, terrain in enumerate(TERRAINS):
        for d, direction in enumerate(("all", *DIRECTIONS)):
            part = windows[(windows.terrain == t) & ((windows.direction == d - 1) | (d == 0))]
            if len(part):
                for name, (value, low, high) in _with_intervals(part).items():
                    rows.append(
                        (run_id, terrain, direction, name, value, low, high, len(part), len(part) * WINDOW_S)
                    )
    frame = pl.DataFrame(rows, schema=Stability.column_names(), orient="row", infer_schema_length=None)
    return Stability.cast(frame)


def _with_intervals(windows: Windows) -> dict[str, tuple[float, float | None, float | None]]:
    """Value and moving block bootstrap interval (Kuensch 1989, doi 10.1214/aos/1176347265) of every metric.

    The draw is fixed, so that the same run gives the same bytes.
    """
    n = len(windows)
    values = {name: float(metric.compute(windows)) for name, metric in METRICS.items()}
    if n < 2 * BLOCK_WINDOWS:
        return {name: (value, None, None) for name, value in values.items()}
    blocks = -(-n // BLOCK_WINDOWS)
    start = np.random.default_rng(n).integers(0, n - BLOCK_WINDOWS + 1, (BOOTSTRAPS, blocks))
    draw = (start[:, :, None] + np.arange(BLOCK_WINDOWS)).reshape(BOOTSTRAPS, -1)[:, :n]
    drawn = windows[draw]
    intervals = {name: np.quantile(metric.compute(drawn), [0.025, 0.975]) for name, metric in METRICS.items()}
    return {name: (values[name], float(low), float(high)) for name, (low, high) in intervals.items()}
