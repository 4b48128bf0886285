"""How steady cadence was: per run, terrain and direction, adjusted for speed and grade.

1. One regression per device epoch of an athlete predicts cadence from speed and grade; its sums are
   kept per run, so that a new run costs one run (`sum_cadence`, `fit_cadence`).
2. What the prediction leaves, less its centred 31 s mean, is the unsteadiness of each second.
3. Windows of 20 s that lie wholly in one uninterrupted stretch of running on one terrain, at least 12
   of their seconds with usable cadence (`derive_windows`); the SD of each is not taken below 0.2 spm.
4. Metrics over the windows, each with a block bootstrap interval (`measure_windows`): of the whole
   run, of the first and the last third of its running, and from the one to the other.
5. Where the watch recorded them, stance time and its balance are taken in the same windows, adjusted by
   a regression of the run's own.

A new metric is one entry in `metrics.METRICS`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple, cast

import numpy as np
import polars as pl

from pipeline.bootstrap import BOOTSTRAPS, find_intervals, resample_means
from pipeline.columns import dtypes
from pipeline.metrics import METRICS, Windows
from pipeline.numeric import Array, Integers, Mask, rolling_mean, rolling_mean_within, stretches
from pipeline.seconds import N_TERMS, RUN, STAND, WALK, Seconds
from pipeline.tables import DIRECTIONS, TERRAINS, DataFrame, Stability

WINDOW_S = 20
MIN_KNOWN_S = 12
TREND_S = 31
SD_FLOOR_SPM = 0.2
SD_FLOOR_MS = 0.5
SD_FLOOR_BALANCE = 0.0005
LEVEL_GRADE = 0.03
WALKING_SHARE = "walking_share"


class Measured(NamedTuple):
    """A row of Stability without its run: a metric on one ground, its 95 % interval NaN where it has none."""

    terrain: str
    direction: str
    metric: str
    value: float
    low: float
    high: float
    n_windows: int
    seconds: float


def sum_cadence(seconds: Seconds) -> list[float]:
    """Sums of the cadence regression over a run's usable seconds: X'X (25 values, by row), then X'y (5)."""
    at = np.flatnonzero(np.isfinite(seconds.usable_spm))
    return _sums(seconds.terms[at], seconds.usable_spm[at])


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


def derive_windows(
    seconds: Seconds,
    ground: Integers,
    coefficients: Array,
    *,
    stance_time_ms: Array | None = None,
    stance_balance: Array | None = None,
) -> Windows:
    """Cut a run into 20 s windows; what is left of a stretch is split over its two ends.

    `ground` (seconds,) is what each second lies on, an index into tables.TERRAINS or the number of a part
    of the run, -1 for none: no window straddles two. `coefficients` (5,) are of cadence on speed and grade.
    Running dynamics, where the watch recorded them, are arrays of one entry per second, NaN where not known
    (`channels.pick_dynamics`).
    """
    running = seconds.gait == RUN
    cadence, terms = seconds.usable_spm, seconds.terms
    # A new stretch starts where seconds are skipped, running stops or the ground changes.
    skips = np.cumsum(np.diff(seconds.elapsed_s, prepend=seconds.elapsed_s[:1]) > 1)
    none, resting = -1, ground.max(initial=0) + 1
    borders = stretches(skips * (resting + 2) + np.where(running, ground, resting))
    first = _starts(borders, running & (ground != none))
    first = first[np.isfinite(cadence[_seconds(first)]).sum(axis=1) >= MIN_KNOWN_S]
    within = _seconds(first)

    def wobble(value: Array, floor: float) -> Array:
        detrended = value - rolling_mean_within(value, TREND_S, borders)
        return np.maximum(_mean_and_sd(detrended[within])[1], floor)

    stance_sd = stance_mean = balance_sd = balance_mean = np.full(len(first), np.nan)
    if stance_time_ms is not None:
        timed = running & np.isfinite(stance_time_ms)
        usual = terms @ fit_cadence([_sums(terms[timed], stance_time_ms[timed])])
        stance_sd = wobble(stance_time_ms - usual, SD_FLOOR_MS)
        stance_mean, _ = _mean_and_sd(stance_time_ms[within])
    if stance_balance is not None:
        balance_sd = wobble(stance_balance, SD_FLOOR_BALANCE)
        balance_mean, _ = _mean_and_sd(stance_balance[within])
    cadence_mean, cadence_sd = _mean_and_sd(cadence[within])
    return Windows(
        start_s=seconds.elapsed_s[first].astype(np.float64),
        terrain=ground[first],
        direction=_direction(terms[within, 3].mean(axis=1)),
        third=3 * (np.cumsum(running)[first] - 1) // max(int(running.sum()), 1),
        residual_sd_spm=wobble(cadence - terms @ coefficients, SD_FLOOR_SPM),
        cadence_mean_spm=cadence_mean,
        cadence_sd_spm=cadence_sd,
        stance_sd_ms=stance_sd,
        stance_mean_ms=stance_mean,
        balance_sd=balance_sd,
        balance_mean=balance_mean,
    )


def _direction(slope: Array) -> Integers:
    """Index into tables.DIRECTIONS."""
    up, level, down = (DIRECTIONS.index(name) for name in ("up", "level", "down"))
    return np.where(slope > LEVEL_GRADE, up, np.where(slope < -LEVEL_GRADE, down, level))


def _seconds(first: Integers) -> Integers:
    """The seconds of each window, of shape (windows, 20)."""
    return np.asarray(first[:, None] + np.arange(WINDOW_S))


def _starts(borders: Integers, wanted: Mask) -> Integers:
    """First second of every window: as many in the middle of each wanted stretch as fit into it."""
    begin = borders[:-1]
    length = np.diff(borders)
    n = np.where(wanted[begin], length // WINDOW_S, 0)
    within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    return np.asarray(np.repeat(begin + (length - n * WINDOW_S) // 2, n) + WINDOW_S * within)


def _mean_and_sd(value: Array) -> tuple[Array, Array]:
    """Mean and population SD of each row with 12 known values or more, NaN of others."""
    known = np.isfinite(value)
    n = known.sum(axis=1)
    n = np.where(n >= MIN_KNOWN_S, n, np.nan)
    mean = np.where(known, value, 0.0).sum(axis=1) / n
    return mean, np.sqrt((np.where(known, value - mean[:, None], 0.0) ** 2).sum(axis=1) / n)


def measure_windows(windows: Windows) -> list[Measured]:
    """Every metric of a run by terrain and direction, with a 95 % interval where 6 windows or more.

    Early, late and their difference are told of all directions together alone; the difference has an
    interval where either has 6 windows (see `bootstrap`). No row where nothing is known.
    """
    keys: list[tuple[str, str, str, int]] = []
    values = [np.zeros((0, 1 + BOOTSTRAPS))]
    least: list[int] = []
    for thirds, enters, columns in _shared(windows):
        stacked = np.concatenate(list(columns.values()))
        grounds, means, smallest = [], [], []
        for terrain, direction, ground in _grounds(windows, whole=len(thirds) == 3):
            part = ground & enters
            if n := int(np.count_nonzero(part)):
                strata = [part & (windows.third == third) for third in thirds] if len(thirds) == 2 else [part]
                grounds.append((terrain, direction, n))
                means.append(resample_means(stacked, strata))
                smallest.append(min(int(np.count_nonzero(stratum)) for stratum in strata))
        by_column = iter(np.array(means).swapaxes(0, 1) if means else ())
        for name, own in columns.items() if means else ():
            values.append(METRICS[name].of_means(*islice(by_column, len(own))))
            keys += [(terrain, direction, name, n) for terrain, direction, n in grounds]
            least += smallest
    drawn = np.concatenate(values)
    floor = np.array([METRICS[name].floor for _, _, name, _ in keys])
    ends = find_intervals(drawn, np.array(least), floor)
    found = zip(keys, *(x.tolist() for x in (drawn[:, 0], *ends)), strict=True)
    return [
        Measured(terrain, direction, name, value, low, high, n, float(n * WINDOW_S))
        for (terrain, direction, name, n), value, low, high in found
        if math.isfinite(value)
    ]


def _shared(windows: Windows) -> Iterator[tuple[tuple[int, ...], Mask, dict[str, Array]]]:
    """Metrics that rest on the same windows, which are drawn once: thirds, windows, columns by name."""
    columns = {name: np.array(metric.of_window(windows)) for name, metric in METRICS.items()}
    together: dict[tuple[tuple[int, ...], bytes], dict[str, Array]] = {}
    for name, own in columns.items():
        known = np.isfinite(own).all(axis=0).tobytes()
        together.setdefault((METRICS[name].thirds, known), {})[name] = own
    for (thirds, known), found in together.items():
        yield thirds, np.isin(windows.third, thirds) & np.frombuffer(known, dtype=np.bool_), found


def measure_parts(seconds: Seconds, part: Integers, n: int, coefficients: Array) -> dict[str, Array]:
    """`cadence_cv` with its interval of each of the `n` parts of a run, and the number of its windows.

    `part` (seconds,) is 0, 1, ... or -1 for none. Arrays of one entry per part, NaN where nothing is known.
    """
    windows = derive_windows(seconds, part, coefficients)
    columns = np.array(METRICS["cadence_cv"].of_window(windows))
    n_windows = np.bincount(windows.terrain, minlength=n)
    by_part = columns[:, np.argsort(windows.terrain, kind="stable")]
    ends = np.cumsum(n_windows)
    drawn = np.full((n, 1 + BOOTSTRAPS), np.nan)
    # Parts of as many windows are drawn alike, so they are drawn together.
    for size in np.unique(n_windows[n_windows > 0]).tolist():
        parts = np.flatnonzero(n_windows == size)
        own = by_part[:, (ends[parts] - size)[:, None] + np.arange(size)]
        means = resample_means(own.reshape(-1, size), [np.ones(size, dtype=bool)])
        drawn[parts] = METRICS["cadence_cv"].of_means(*means.reshape(len(columns), len(parts), -1))
    low, high = find_intervals(drawn, n_windows, np.zeros(n))
    return {
        "cadence_cv": drawn[:, 0],
        "low": low,
        "high": high,
        "n_windows": n_windows,
        "seconds": n_windows * float(WINDOW_S),
    }


def measure_walking(seconds: Seconds, terrain: Integers) -> list[Measured]:
    """The share of the moving seconds that were walked, by terrain and direction, as rows `walking_share`.

    `terrain` (seconds,) is an index into tables.TERRAINS, -1 for none.
    """
    slope = rolling_mean(seconds.grade, WINDOW_S + 1)
    direction = _direction(np.where(np.isnan(slope), 0.0, slope))
    moving = (seconds.gait != STAND) & (terrain >= 0)
    place = terrain[moving] * len(DIRECTIONS) + direction[moving]
    shape = (len(TERRAINS), len(DIRECTIONS))
    of = np.bincount(place, minlength=len(TERRAINS) * len(DIRECTIONS)).reshape(shape)
    walked = np.bincount(place, seconds.gait[moving] == WALK, minlength=of.size).reshape(shape)
    rows = []
    for t, d in np.ndindex(len(TERRAINS), 1 + len(DIRECTIONS)):
        at = np.s_[t, :] if d == 0 else np.s_[t, d - 1 : d]
        if moved_s := float(of[at].sum()):
            share = float(walked[at].sum() / moved_s)
            direction_name = ("all", *DIRECTIONS)[d]
            rows.append(
                Measured(TERRAINS[t], direction_name, WALKING_SHARE, share, math.nan, math.nan, 0, moved_s)
            )
    return rows


def _grounds(windows: Windows, *, whole: bool) -> Iterator[tuple[str, str, Mask]]:
    """Each terrain, with all directions together and, of a whole run, with each by itself."""
    for t, terrain in enumerate(TERRAINS):
        on = windows.terrain == t
        yield terrain, "all", on
        if whole:
            for d, direction in enumerate(DIRECTIONS):
                yield terrain, direction, on & (windows.direction == d)


def stability_table(measured: Mapping[str, Iterable[Measured]]) -> DataFrame[Stability]:
    """What was measured of runs, by their ids, as their table."""
    rows = [(run_id, *row) for run_id, own in measured.items() for row in own]
    names = ("run_id", *Measured._fields)
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    numbers = {name: np.array(columns[name]) for name in ("value", "low", "high") if rows}
    # The schema is given and the values are our own: a check here would cost more than the windows do.
    table = pl.DataFrame(columns | numbers, schema=dtypes(Stability), nan_to_null=True)
    return cast(DataFrame[Stability], table)
