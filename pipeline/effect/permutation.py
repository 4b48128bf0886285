"""The second opinion: would a shuffled log have fitted the runs as well?

The daily log is cut into blocks of 28 days, the blocks are put in another order, the dose is built anew
and its partial correlation with the outcome is compared. Blocks keep the rhythm of training inside them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.effect.gls import independent_columns
from pipeline.exposure import decayed_weekly

Array = NDArray[np.float64]

BLOCK_DAYS = 28
PERMUTATIONS = 999


def partial_correlation(outcome: Array, exposures: Array, nuisance: Array) -> Array:
    """Correlation of `outcome` (n,) with each of `exposures` (n, m), both freed of `nuisance` (n, q): (m,).

    Zero where nothing is left to correlate.
    """
    q, _ = np.linalg.qr(independent_columns(nuisance))

    def rest(values: Array) -> Array:
        return values - q @ (q.T @ values)

    y, x = rest(outcome), rest(exposures)
    length = np.linalg.norm(y) * np.linalg.norm(x, axis=0)
    floor = 1e-10 * np.linalg.norm(outcome) * np.linalg.norm(exposures, axis=0)
    return np.where(length > floor, y @ x / np.where(length > floor, length, 1.0), 0.0)


def shuffled_doses(minutes: Array, run_day: NDArray[np.int64], half_life_days: float, seed: int) -> Array:
    """The dose at each run under each shuffled log: (n_runs, PERMUTATIONS).

    `minutes` (days,) from the log's first day to the last run's, `run_day` (n_runs,) indexes into it.
    """
    starts = np.arange(0, len(minutes), BLOCK_DAYS)
    lengths = np.diff(starts, append=len(minutes))
    orders = np.random.default_rng(seed).permuted(np.tile(np.arange(len(starts)), (PERMUTATIONS, 1)), axis=1)
    ends = np.cumsum(lengths[orders], axis=1)
    shift = starts[orders] - (ends - lengths[orders])
    day = np.arange(len(minutes)) + np.repeat(shift.ravel(), lengths[orders].ravel()).reshape(
        PERMUTATIONS, -1
    )
    return decayed_weekly(minutes[day.T], half_life_days)[run_day]


def permutation_p(outcome: Array, dose: Array, shuffled: Array, nuisance: Array) -> float:
    """Share of logs, the true one counted, whose dose fits at least as well as the true one."""
    fits = np.abs(partial_correlation(outcome, np.column_stack([dose, shuffled]), nuisance))
    observed, reference = fits[0], fits[1:]
    # A shuffle that gives back the true log must count as a tie in spite of rounding.
    return float((1 + np.sum(reference >= observed - 1e-12)) / (1 + reference.size))
