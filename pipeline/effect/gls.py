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
from scipy import special

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
        half = float(special.stdtrit(self.df, 0.5 + level / 2)) * self.se
        return self.estimate - half, self.estimate + half

    @property
    def p(self) -> float:
        """Two-sided p value of no effect."""
        return float(2 * special.stdtr(self.df, -abs(self.estimate) / self.se))


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


@dataclass(frozen=True, slots=True)
class Noise:
    """What is left of a season when everything known is taken out: weight and variance of every pair of
    the grid, so that a design's standard error can be averaged as the answer's is."""

    weight: Array  # (g,), sums to one
    variance: Array  # (g,), of the error, squared log units

    @property
    def sd(self) -> float:
        """SD of the error in log units."""
        return float(np.sqrt(self.weight @ self.variance))

    @property
    def drift_share(self) -> float:
        """Share of the error's variance that drifts."""
        return float(self.weight @ _GRID[:, 1])

    @property
    def tau_days(self) -> float:
        """Correlation time of that share, as the geometric mean over the grid."""
        drifting = self.weight * _GRID[:, 1]
        return float(np.exp(drifting @ np.log(_GRID[:, 0]) / max(drifting.sum(), 1e-300)))

    def standard_error(self, days: Array, exposure: Array, nuisance: Array) -> float | None:
        """Of the exposure's coefficient in a season with these days (n,) and columns; None where there is
        nothing to estimate it from."""
        design: Array = np.column_stack([independent_columns(nuisance), exposure])
        if len(days) <= design.shape[1] or independent_columns(design).shape[1] < design.shape[1]:
            return None
        whitened, _ = whiten(days, design, _GRID[:, 0], _GRID[:, 1])
        _, r = np.linalg.qr(whitened)
        corner = r[:, -1, -1]
        return float(np.sqrt(self.weight @ (self.variance / corner**2)))

    def likeliest(self) -> tuple[float, float]:
        """Correlation time [days] and drifting share of the pair with the most weight."""
        best = _GRID[int(self.weight.argmax())]
        return float(best[0]), float(best[1])


def assumed_noise(sd: float, tau_days: float, drift_share: float) -> Noise:
    """Noise with one pair of the grid, where nobody's runs say what it is."""
    pair = np.argmin(np.abs(_GRID - (tau_days, drift_share)).sum(axis=1))
    return Noise((np.arange(len(_GRID)) == pair).astype(float), np.full(len(_GRID), sd**2))


@dataclass(frozen=True, slots=True)
class _Restricted:
    """Every pair of the grid fitted: what concerns the last column, and the weights."""

    coefficient: Array  # (g,)
    corner: Array  # (g,), the last diagonal entry of R: information is its square over the variance
    variance: Array  # (g,)
    weight: Array  # (g,)
    df: int


def _fit_grid(days: Array, outcome: Array, design: Array) -> _Restricted | None:
    """Restricted likelihood of every pair; None where the columns determine each other or the outcome."""
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
    log_likelihood = -0.5 * (
        log_determinant
        + 2 * np.log(np.abs(np.diagonal(r, axis1=1, axis2=2))).sum(axis=1)
        + (n - p) * np.log(residual)
    )
    weight = np.exp(log_likelihood - log_likelihood.max())
    corner = r[:, -1, -1]
    return _Restricted(projected[:, -1] / corner, corner, residual / (n - p), weight / weight.sum(), n - p)


def fit_gls(days: Array, outcome: Array, exposure: Array, nuisance: Array) -> Fit | None:
    """Coefficient of `exposure` (n,) on `outcome` (n,) beside `nuisance` (n, q); `days` (n,) ascending.

    Estimate and variance are averaged over the grid by restricted likelihood; the variance has the spread
    between the grid's estimates added. None where the data cannot carry a fit: no degrees of freedom, an
    exposure that the nuisance columns determine, an outcome they explain wholly.
    """
    fits = _fit_grid(days, outcome, np.column_stack([independent_columns(nuisance), exposure]))
    if fits is None:
        return None
    variance = fits.variance / fits.corner**2
    estimate = float(fits.weight @ fits.coefficient)
    spread = (fits.coefficient - estimate) ** 2
    return Fit(estimate, float(np.sqrt(fits.weight @ (variance + spread))), fits.df)


def fit_noise(days: Array, outcome: Array, columns: Array) -> Noise | None:
    """The error of `outcome` (n,) about `columns` (n, q); None where that cannot be fitted."""
    fits = _fit_grid(days, outcome, independent_columns(columns))
    return None if fits is None else Noise(fits.weight, fits.variance)
