"""Generalised least squares with slowly drifting errors.

Runs near each other in time share form, heat and shoes, so their errors are alike. The error is an
Ornstein-Uhlenbeck process plus a nugget: correlation rho exp(-|dt| / tau) between two runs. Correlation
time and share are not known, so every pair of a small grid is fitted and averaged by its restricted
likelihood (Patterson & Thompson 1971, doi 10.1093/biomet/58.3.545).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

TAU_DAYS = (5.0, 15.0, 45.0, 120.0)
DRIFT_SHARE = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95)
# Without drift the correlation time means nothing: that pair is one model, and counts once.
_GRID = np.array([(tau, share) for tau in TAU_DAYS for share in DRIFT_SHARE if share or tau == TAU_DAYS[0]])
# Below this share of a column's length, what is left of it after the others is rounding.
_ALIASED = 1e-7


@dataclass(frozen=True, slots=True)
class Fit:
    """A coefficient on the log scale with its standard error and degrees of freedom."""

    estimate: float
    se: float
    df: int

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The two ends of the t interval, on the log scale."""
        half = float(stats.t.ppf(0.5 + level / 2, self.df)) * self.se
        return self.estimate - half, self.estimate + half

    @property
    def p(self) -> float:
        """Two-sided p value of no effect."""
        return float(2 * stats.t.sf(abs(self.estimate) / self.se, self.df))


def whiten(days: Array, columns: Array, tau_days: Array, drift_share: Array) -> tuple[Array, Array]:
    """Turn correlated rows into uncorrelated ones of unit variance, for every (tau, share) at once.

    `days` (n,) ascending, `columns` (n, k), `tau_days` and `drift_share` (g,). Gives the whitened columns
    (g, n, k) and the log determinant of each correlation matrix (g,). One pass of the Kalman filter of the
    one-state model, which equals multiplying by the inverse Cholesky factor at a cost linear in n
    (Jones & Ackerson 1990, doi 10.1093/biomet/77.4.721).
    """
    n, k = columns.shape
    whitened = np.empty((len(tau_days), n, k))
    log_determinant = np.zeros(len(tau_days))
    state = np.zeros((len(tau_days), k))
    variance = drift_share.copy()
    for row in range(n):
        if row:
            carry = np.exp(-(days[row] - days[row - 1]) / tau_days)
            state = carry[:, None] * state
            variance = carry**2 * variance + drift_share * (1 - carry**2)
        total = variance + 1 - drift_share
        surprise = columns[row] - state
        whitened[:, row] = surprise / np.sqrt(total)[:, None]
        log_determinant += np.log(total)
        gain = variance / total
        state = state + gain[:, None] * surprise
        variance = variance * (1 - gain)
    return whitened, log_determinant


def independent_columns(columns: Array) -> Array:
    """The columns (n, k) without those that earlier ones already determine (a constant weekend, say)."""
    kept: list[Array] = []
    directions = np.empty((columns.shape[0], 0))
    for column in columns.T:
        left = column - directions @ (directions.T @ column)
        left = left - directions @ (directions.T @ left)
        if np.linalg.norm(left) > _ALIASED * max(float(np.linalg.norm(column)), 1e-300):
            kept.append(column)
            directions = np.column_stack([directions, left / np.linalg.norm(left)])
    return np.column_stack(kept) if kept else np.empty((columns.shape[0], 0))


def fit_gls(days: Array, outcome: Array, exposure: Array, nuisance: Array) -> Fit | None:
    """Coefficient of `exposure` (n,) on `outcome` (n,) beside `nuisance` (n, q); `days` (n,) ascending.

    Estimate and variance are averaged over the grid by restricted likelihood; the variance has the spread
    between the grid's estimates added. None where the data cannot carry a fit: no degrees of freedom, an
    exposure that the nuisance columns determine, an outcome they explain wholly.
    """
    design = np.column_stack([independent_columns(nuisance), exposure])
    n, p = design.shape
    if n - p < 1 or independent_columns(design).shape[1] < p:
        return None
    spread = float(np.sum((outcome - outcome.mean()) ** 2))
    whitened, log_determinant = whiten(days, np.column_stack([design, outcome]), _GRID[:, 0], _GRID[:, 1])
    q, r = np.linalg.qr(whitened[:, :, :p])
    target = whitened[:, :, p]
    projected = np.einsum("gnp,gn->gp", q, target)
    residual = np.sum((target - np.einsum("gnp,gp->gn", q, projected)) ** 2, axis=1)
    if residual.min() <= 1e-12 * max(spread, 1e-12):
        return None
    # The exposure is the last column: its coefficient and variance need the corner of R alone.
    corner = r[:, -1, -1]
    coefficient = projected[:, -1] / corner
    variance = residual / (n - p) / corner**2
    log_likelihood = -0.5 * (
        log_determinant
        + 2 * np.log(np.abs(np.diagonal(r, axis1=1, axis2=2))).sum(axis=1)
        + (n - p) * np.log(residual)
    )
    weight = np.exp(log_likelihood - log_likelihood.max())
    weight /= weight.sum()
    estimate = float(weight @ coefficient)
    return Fit(estimate, float(np.sqrt(weight @ (variance + (coefficient - estimate) ** 2))), n - p)
