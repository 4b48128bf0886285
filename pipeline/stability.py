"""How steady cadence was: metrics over the windows of a run (`pipeline.windows`), by terrain and direction.

Each has a block bootstrap interval (`pipeline.bootstrap`): of the whole run, of the first and the last third
of its running, and from the one to the other. Many runs are measured at once (`measure_windows`), each as if
it were alone; so are the stretches of trail that they passed (`measure_parts`).

A new metric is one entry in `metrics.METRICS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, cast

import numpy as np
import polars as pl

from pipeline.bootstrap import BOOTSTRAPS, MIN_INTERVAL_WINDOWS, find_intervals, resample_sums
from pipeline.columns import dtypes, numbers_of
from pipeline.metrics import METRICS, Metric, Windows
from pipeline.numeric import Array, Integers, rolling_mean
from pipeline.seconds import STAND, WALK, Seconds
from pipeline.tables import DIRECTIONS, TERRAINS, DataFrame, Stability
from pipeline.windows import WINDOW_S, direction_of

WALKING_SHARE = "walking_share"
_METRICS = (*METRICS, WALKING_SHARE)
_DIRECTIONS = ("all", *DIRECTIONS)


class Estimates(NamedTuple):
    """A metric of parts of runs: value and 95 % interval, NaN where not known, and windows it rests on."""

    value: Array
    low: Array
    high: Array
    n_windows: Integers

    def at(self, parts: Integers) -> Estimates:
        """Those of some of the parts."""
        return Estimates(self.value[parts], self.low[parts], self.high[parts], self.n_windows[parts])


@dataclass(frozen=True, slots=True)
class Measured:
    """Rows of tables.Stability of one or more runs: arrays of one entry per row.

    `run` is the number of the run; `terrain`, `direction` and `metric` are indices into tables.TERRAINS, into
    "all" and tables.DIRECTIONS, and into metrics.METRICS and walking_share. `low` and `high` are NaN where
    there is no interval.
    """

    run: Integers
    terrain: Integers
    direction: Integers
    metric: Integers
    value: Array
    low: Array
    high: Array
    n_windows: Integers
    seconds: Array


def measure_windows(windows: Windows, run: Integers) -> Measured:
    """Every metric of each run by terrain and direction, with a 95 % interval where 6 windows or more.

    `run` (windows,) is the number of the run that a window is of. Early, late and their difference are told
    of all directions together alone; the difference has an interval where either has 6 windows (see
    `bootstrap`). No row where nothing is known.
    """
    grounds = np.arange((int(run.max(initial=-1)) + 1) * len(TERRAINS))
    found = []
    for name, metric in METRICS.items():
        columns = np.array(metric.of_window(windows))
        at = np.flatnonzero(np.isin(windows.third, metric.thirds) & np.isfinite(columns).all(axis=0))
        columns, ground = columns[:, at], (run * len(TERRAINS) + windows.terrain)[at]
        place = grounds * len(_DIRECTIONS)
        if len(metric.thirds) == 3:
            place = np.arange(len(place) * len(_DIRECTIONS))
            together = ground * len(_DIRECTIONS)
            part = np.concatenate([together, together + 1 + windows.direction[at]])
            of_all = _estimate(metric, np.tile(columns, 2), part, len(place))
        else:
            part = ground * len(metric.thirds) + np.searchsorted(metric.thirds, windows.third[at])
            of_all = _estimate(metric, columns, part, len(place), strata=len(metric.thirds))
        known = np.flatnonzero(np.isfinite(of_all.value))
        own = of_all.at(known)
        found.append(_rows(place[known], name, own, own.n_windows * np.float64(WINDOW_S)))
    return join_measured(found)


def _rows(place: Integers, name: str, own: Estimates, seconds: Array) -> Measured:
    """Rows of one metric; `place` numbers the directions of the terrains of the runs."""
    ground, direction = np.divmod(place, len(_DIRECTIONS))
    run, terrain = np.divmod(ground, len(TERRAINS))
    metric = np.full(len(place), _METRICS.index(name))
    return Measured(run, terrain, direction, metric, *own, seconds)


def _estimate(metric: Metric, columns: Array, part: Integers, n: int, *, strata: int = 1) -> Estimates:
    """A metric of each of `n` parts.

    `columns` (rows, windows) are of the windows that enter, and `part` (windows,) numbers the strata of the
    parts that these are of.
    """
    sizes = np.bincount(part, minlength=n * strata).reshape(n, strata)
    n_windows, least = sizes.sum(axis=1), sizes.min(axis=1)
    total = np.array([np.bincount(part, row, n * strata) for row in columns])
    means = total.reshape(len(columns), n, strata).sum(axis=2) / np.where(n_windows > 0, n_windows, np.nan)
    value, low, high = metric.of_means(*means), np.full(n, np.nan), np.full(n, np.nan)
    drawn = np.flatnonzero(least >= MIN_INTERVAL_WINDOWS)
    samples = resample_sums(columns, part, (drawn[:, None] * strata + np.arange(strata)).ravel())
    samples = samples.reshape(len(columns), len(drawn), strata, BOOTSTRAPS).sum(axis=2)
    resampled = metric.of_means(*(samples / n_windows[drawn, None]))
    low[drawn], high[drawn] = find_intervals(value[drawn], resampled, least[drawn], metric.floor)
    return Estimates(value, low, high, n_windows)


def measure_parts(windows: Windows, n: int) -> Estimates:
    """`cadence_cv` of each of `n` parts of runs; the `terrain` of a window is the number of its part."""
    metric = METRICS["cadence_cv"]
    return _estimate(metric, np.array(metric.of_window(windows)), windows.terrain, n)


def count_walking(seconds: Seconds, terrain: Integers) -> Integers:
    """Seconds in motion, and those walked, on each terrain in each direction: (2, terrains, directions).

    `terrain` (seconds,) is an index into tables.TERRAINS, -1 for none.
    """
    direction = direction_of(rolling_mean(seconds.grade, WINDOW_S + 1))
    moving = (seconds.gait != STAND) & (terrain >= 0)
    shape = (2, len(TERRAINS), len(DIRECTIONS))
    walked = seconds.gait == WALK
    place = ((walked * shape[1] + terrain) * shape[2] + direction)[moving]
    run, walk = np.bincount(place, minlength=int(np.prod(shape))).reshape(shape)
    return np.array([run + walk, walk])


def measure_walking(counted: Integers) -> Measured:
    """The share of the moving seconds that were walked, by terrain and direction, as rows `walking_share`.

    `counted` (runs, 2, terrains, directions) is `count_walking` of each run.
    """
    moved, walked = np.concatenate([counted.sum(axis=3, keepdims=True), counted], axis=3).swapaxes(0, 1)
    place = np.flatnonzero(moved)
    moved_s, walked_s = moved.ravel()[place].astype(np.float64), walked.ravel()[place]
    none = np.full(len(place), np.nan)
    own = Estimates(walked_s / moved_s, none, none, np.zeros_like(place))
    return _rows(place, WALKING_SHARE, own, moved_s)


def join_measured(parts: Sequence[Measured]) -> Measured:
    """All of them, by run, metric, terrain and direction."""
    names = [field.name for field in fields(Measured)]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    order = np.lexsort([joined[name] for name in ("direction", "terrain", "metric", "run")])
    return Measured(**{name: values[order] for name, values in joined.items()})


def stability_table(run_ids: Sequence[str], measured: Measured) -> DataFrame[Stability]:
    """What was measured of runs as their table; `run_ids` are in the order of their numbers."""
    kinds = dtypes(Stability)
    columns = {
        "run_id": pl.Series(run_ids, dtype=pl.String).gather(measured.run),
        "terrain": pl.Series(measured.terrain.astype(np.uint8)).cat.to(kinds["terrain"]),
        "direction": pl.Series(measured.direction.astype(np.uint8)).cat.to(kinds["direction"]),
        "metric": pl.Series(_METRICS, dtype=pl.String).gather(measured.metric),
        **numbers_of({name: getattr(measured, name) for name in ("value", "low", "high")}),
        "n_windows": measured.n_windows,
        "seconds": measured.seconds,
    }
    # The schema is given and the values are our own: a check here would cost more than the windows do.
    return cast(DataFrame[Stability], pl.DataFrame(columns, schema=kinds))
