"""How steady cadence was: per run, terrain and direction, adjusted for speed and grade.

1. One regression per device epoch of an athlete predicts cadence from speed and grade; its sums are
   kept per run, so that a new run costs one run (`sum_cadence`, `fit_cadence`).
2. What the prediction leaves, less its centred 31 s mean, is the unsteadiness of each second.
3. Windows of 20 s that lie wholly in one uninterrupted stretch of running on one terrain, at least 12
   of their seconds with usable cadence (`derive_windows`); the SD of each is not taken below 0.2 spm.
4. Metrics over the windows, each with a block bootstrap interval (`measure_stability`): of the whole
   run, of the first and the last third of its running, and from the one to the other.
5. Where the watch recorded them, stance time and its balance are taken in the same windows, adjusted by
   a regression of the run's own.

A new metric is one entry in `metrics.METRICS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.bootstrap import BOOTSTRAPS, find_intervals, resample_means
from pipeline.metrics import METRICS, Windows
from pipeline.numeric import Array, Integers, Mask, rolling_mean, rolling_mean_within, stretches
from pipeline.tables import CADENCE_FLAGS, DIRECTIONS, GAITS, TERRAINS, DataFrame, Stability, Track

MEASURED = ("elapsed_s", "speed_mps", "cadence_spm", "grade", "gait", "cadence_flag")
"""The columns of a track that are read here, its ground apart."""
WINDOW_S = 20
MIN_KNOWN_S = 12
TREND_S = 31
SD_FLOOR_SPM = 0.2
SD_FLOOR_MS = 0.5
SD_FLOOR_BALANCE = 0.0005
LEVEL_GRADE = 0.03
N_TERMS = 5
RUN, WALK, STAND = (GAITS.index(gait) for gait in ("run", "walk", "stand"))
WALKING_SHARE = "walking_share"
OK = CADENCE_FLAGS.index("ok")
_SCHEMA = Stability.create_empty().schema
Key = tuple[str, str, str, int, float]  # terrain, direction, metric, windows, seconds


def _usable(track: DataFrame[Track], running: Mask) -> Mask:
    """Seconds of running whose cadence can be used."""
    found: Mask = running & (_codes(track, "cadence_flag") == OK)
    found &= np.isfinite(track["speed_mps"].to_numpy())
    return found


def _codes(track: DataFrame[Track], column: str) -> NDArray[Any]:
    """Index of each second's word in its list; NaN where there is none."""
    return track[column].to_physical().to_numpy()


def _terms(track: DataFrame[Track]) -> Array:
    """Columns 1, v, v^2, g, g^2 of shape (seconds, 5); an unknown grade counts as level."""
    terms = np.ones((len(track), N_TERMS))
    for k, column in ((1, "speed_mps"), (3, "grade")):
        value = track[column].to_numpy()
        terms[:, k] = np.where(np.isnan(value), 0.0, value)
        np.square(terms[:, k], out=terms[:, k + 1])
    return terms


def sum_cadence(track: DataFrame[Track]) -> list[float]:
    """Sums of the cadence regression over a run's usable seconds: X'X (25 values, by row), then X'y (5)."""
    at = _usable(track, _codes(track, "gait") == RUN)
    return _sums(_terms(track)[at], track["cadence_spm"].to_numpy()[at])


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
    track: DataFrame[Track],
    coefficients: Array,
    part: Integers | None = None,
    /,
    *,
    stance_time_ms: Array | None = None,
    stance_balance: Array | None = None,
) -> Windows:
    """Cut a labelled track into 20 s windows; what is left of a stretch is split over its two ends.

    `coefficients` (5,) of cadence on speed and grade. `part` numbers the part of the run that each second
    belongs to, -1 is none: it stands in for the terrain, so that no window straddles two. Running dynamics,
    where the watch recorded them, are arrays of one entry per second of the track, NaN where not known
    (`channels.pick_dynamics`).
    """
    running = _codes(track, "gait") == RUN
    elapsed = track["elapsed_s"].to_numpy()
    terrain = np.nan_to_num(_codes(track, "terrain"), nan=-1).astype(np.int64) if part is None else part
    cadence = np.where(_usable(track, running), track["cadence_spm"].to_numpy(), np.nan)
    terms = _terms(track)
    # A new stretch starts where seconds are skipped, running stops or the terrain changes.
    skips = np.cumsum(np.diff(elapsed, prepend=elapsed[:1]) > 1)
    borders = stretches(
        skips * (terrain.max(initial=0) + 3) + np.where(running, terrain + 1, terrain.max(initial=0) + 2)
    )
    first = _starts(borders, running & (terrain >= 0))
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
        start_s=elapsed[first].astype(np.float64),
        terrain=terrain[first],
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


def measure_stability(run_id: str, windows: Windows) -> DataFrame[Stability]:
    """Every metric of a run by terrain and direction, with a 95 % interval where 6 windows or more.

    Early, late and their difference are told of all directions together alone; the difference has an
    interval where either has 6 windows (see `bootstrap`). No row where nothing is known.
    """
    keys: list[Key] = []
    values: list[Array] = []
    least: list[int] = []
    for thirds, enters, columns in _shared(windows):
        stacked = np.concatenate(list(columns.values()))
        for terrain, direction, ground in _grounds(windows, whole=len(thirds) == 3):
            part = ground & enters
            n = int(part.sum())
            if n:
                compared = [part & (windows.third == third) for third in thirds]
                strata = compared if len(thirds) == 2 else [part]
                means = resample_means(stacked, strata)
                smallest = min(int(stratum.sum()) for stratum in strata)
                for name, own in columns.items():
                    keys.append((terrain, direction, name, n, float(n * WINDOW_S)))
                    values.append(METRICS[name].of_means(*means[: len(own)]))
                    least.append(smallest)
                    means = means[len(own) :]
    drawn = np.array(values).reshape(len(keys), 1 + BOOTSTRAPS)
    floor = np.array([METRICS[key[2]].floor for key in keys])
    return _table(run_id, keys, drawn[:, 0], *find_intervals(drawn, np.array(least), floor))


def _shared(windows: Windows) -> Iterator[tuple[tuple[int, ...], Mask, dict[str, Array]]]:
    """Metrics that rest on the same windows, which are drawn once: thirds, windows, columns by name."""
    columns = {name: np.array(metric.of_window(windows)) for name, metric in METRICS.items()}
    together: dict[tuple[tuple[int, ...], bytes], dict[str, Array]] = {}
    for name, own in columns.items():
        known = np.isfinite(own).all(axis=0).tobytes()
        together.setdefault((METRICS[name].thirds, known), {})[name] = own
    for (thirds, known), found in together.items():
        yield thirds, np.isin(windows.third, thirds) & np.frombuffer(known, dtype=np.bool_), found


def measure_parts(track: DataFrame[Track], coefficients: Array, part: Integers, n: int) -> dict[str, Array]:
    """`cadence_cv` with its interval of each of the `n` parts of a run, and the number of its windows.

    `part` (seconds,) is 0, 1, ... or -1 for none. Arrays of one entry per part, NaN where nothing is known.
    """
    windows = derive_windows(track, coefficients, part)
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


def measure_walking(run_id: str, track: DataFrame[Track]) -> DataFrame[Stability]:
    """The share of the moving seconds that were walked, by terrain and direction, as rows `walking_share`."""
    gait, terrain = _codes(track, "gait"), _codes(track, "terrain")
    slope = rolling_mean(track["grade"].to_numpy(), WINDOW_S + 1)
    direction = _direction(np.where(np.isnan(slope), 0.0, slope))
    moving = (gait != STAND) & np.isfinite(terrain)
    place = (terrain[moving] * len(DIRECTIONS)).astype(np.int64) + direction[moving]
    shape = (len(TERRAINS), len(DIRECTIONS))
    of = np.bincount(place, minlength=len(TERRAINS) * len(DIRECTIONS)).reshape(shape)
    walked = np.bincount(place, gait[moving] == WALK, minlength=of.size).reshape(shape)
    keys: list[Key] = []
    shares = []
    for t, d in np.ndindex(len(TERRAINS), 1 + len(DIRECTIONS)):
        at = np.s_[t, :] if d == 0 else np.s_[t, d - 1 : d]
        seconds = float(of[at].sum())
        if seconds:
            keys.append((TERRAINS[t], ("all", *DIRECTIONS)[d], WALKING_SHARE, 0, seconds))
            shares.append(walked[at].sum() / seconds)
    unknown = np.full(len(keys), np.nan)
    return _table(run_id, keys, np.array(shares), unknown, unknown)


def _grounds(windows: Windows, *, whole: bool) -> Iterator[tuple[str, str, Mask]]:
    """Each terrain, with all directions together and, of a whole run, with each by itself."""
    for t, terrain in enumerate(TERRAINS):
        on = windows.terrain == t
        yield terrain, "all", on
        if whole:
            for d, direction in enumerate(DIRECTIONS):
                yield terrain, direction, on & (windows.direction == d)


def _table(run_id: str, keys: list[Key], value: Array, low: Array, high: Array) -> DataFrame[Stability]:
    """A row for each of `keys` that has a value."""
    known = np.isfinite(value)
    rows = [key for key, good in zip(keys, known, strict=True) if good]
    terrain, direction, metric, n_windows, seconds = zip(*rows, strict=True) if rows else ((),) * 5
    columns = {
        "run_id": [run_id] * len(rows),
        "terrain": terrain,
        "direction": direction,
        "metric": metric,
        "value": value[known],
        "low": low[known],
        "high": high[known],
        "n_windows": n_windows,
        "seconds": seconds,
    }
    # The schema is given and the values are our own: a check here would cost more than the windows do.
    return cast(DataFrame[Stability], pl.DataFrame(columns, schema=_SCHEMA, nan_to_null=True))
