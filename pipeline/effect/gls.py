"""Generalised least squares with slowly drifting errors.

Runs near each other in time share form, heat and shoes, so their errors are alike. The error is an
Ornstein-Uhlenbeck process plus a nugget: correlation rho exp(-|dt| / tau) between two runs. Correlation
time and share are not known, so every pair of a small grid is fitted and averaged by its restricted
likelihood (Patterson & Thompson 1971, doi 10.1093/biomet/58.3.545).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

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


def whiten(
    days: Array, columns: Array, tau_days: Array, drift_share: Array, scatter: Array | None = None
) -> tuple[Array, Array]:
    """Turn correlated rows into uncorrelated ones of unit variance, for every (tau, share) at once.

    `days` (n,) ascending, `columns` (n, k), `tau_days` and `drift_share` (g,); `scatter` (n,) is each row's
    own part of the nugget's variance, 1 for all where not given. Gives the whitened columns (g, n, k) and the
    log determinant of each correlation matrix (g,). One pass of the Kalman filter of the one-state model,
    which equals multiplying by the inverse Cholesky factor at a cost linear in n (Jones & Ackerson 1990,
    doi 10.1093/biomet/77.4.721).
    """
    own = np.ones(len(days)) if scatter is None else scatter
    carry, gain, total = _filter(*(array.tobytes() for array in (days, tau_days, drift_share, own)))
    surprise = np.empty((len(days), len(tau_days), columns.shape[1]))
    state = np.zeros(surprise.shape[1:])
    for row, (values, kept, learnt) in enumerate(zip(columns, carry, gain, strict=True)):
        state = kept * state
        surprise[row] = values - state
        state += learnt * surprise[row]
    whitened = surprise / np.sqrt(total)
    return np.ascontiguousarray(whitened.swapaxes(0, 1)), np.log(total[:, :, 0]).sum(axis=0)


@lru_cache(maxsize=8)
def _filter(days: bytes, tau_days: bytes, drift_share: bytes, scatter: bytes) -> tuple[Array, Array, Array]:
    """What of the filter does not depend on the columns, each (n, g, 1): the share of the state that the time
    since the row before leaves, the gain, the variance of the surprise. Kept, since a season's versions are
    all fitted on the same days."""
    day, tau, share, own = (np.frombuffer(array) for array in (days, tau_days, drift_share, scatter))
    carry = np.exp(-np.diff(day, prepend=-np.inf)[:, None] / tau)
    total, gain = np.empty_like(carry), np.empty_like(carry)
    before = np.zeros_like(share)
    for row, kept in enumerate(carry):
        variance = kept**2 * before + share * (1 - kept**2)
        total[row] = variance + own[row] * (1 - share)
        gain[row] = variance / total[row]
        before = variance * (1 - gain[row])
    return carry[:, :, None], gain[:, :, None], total[:, :, None]


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
        nuisance = independent_columns(nuisance)
        if len(days) <= nuisance.shape[1] + 1 or not _new(nuisance, exposure[:, None]).size:
            return None
        left, _ = _free_of(days, nuisance, exposure[:, None])
        return float(np.sqrt(self.weight @ (self.variance / np.sum(left[:, :, 0] ** 2, axis=1))))

    def likeliest(self) -> tuple[float, float]:
        """Correlation time [days] and drifting share of the pair with the most weight."""
        best = _GRID[int(self.weight.argmax())]
        return float(best[0]), float(best[1])


def assumed_noise(sd: float, tau_days: float, drift_share: float) -> Noise:
    """Noise with one pair of the grid, where nobody's runs say what it is."""
    pair = np.argmin(np.abs(_GRID - (tau_days, drift_share)).sum(axis=1))
    return Noise((np.arange(len(_GRID)) == pair).astype(float), np.full(len(_GRID), sd**2))


def _new(nuisance: Array, exposures: Array) -> Array:
    """Those of the exposures (n, m) that say something which the independent nuisance columns do not."""
    basis, _ = np.linalg.qr(nuisance)
    left = exposures - basis @ (basis.T @ exposures)
    left = left - basis @ (basis.T @ left)
    length = np.maximum(np.linalg.norm(exposures, axis=0), 1e-300)
    return exposures[:, np.linalg.norm(left, axis=0) > _ALIASED * length]


def _free_of(
    days: Array, nuisance: Array, columns: Array, scatter: Array | None = None
) -> tuple[Array, Array]:
    """For every pair of the grid the whitened columns less what the nuisance columns explain (g, n, k), and
    the log determinants (g,) of the restricted likelihood."""
    q = nuisance.shape[1]
    whitened, log_determinant = whiten(
        days, np.column_stack([nuisance, columns]), _GRID[:, 0], _GRID[:, 1], scatter
    )
    basis, r = np.linalg.qr(whitened[:, :, :q])
    left = whitened[:, :, q:]
    left = left - basis @ (basis.swapaxes(1, 2) @ left)
    corners = np.log(np.abs(np.diagonal(r, axis1=1, axis2=2))).sum(axis=1)
    return left, log_determinant + 2 * corners


def fit_gls(
    days: Array, outcome: Array, exposures: Array, nuisance: Array, scatter: Array | None = None
) -> Fit | None:
    """Coefficient of `exposures` on `outcome` (n,) beside `nuisance` (n, q); `days` (n,) ascending.

    `exposures` is (n,), or (n, m) for m versions of one exposure in the same unit, of which nobody knows the
    right one: each is fitted alone. Estimate and variance are averaged over the grid and the versions by
    likelihood, restricted by the nuisance columns and, where there is one version, by it as well; to the
    variance the spread between the estimates is added (Buckland, Burnham & Augustin 1997,
    doi 10.2307/2533961).
    `scatter` is that of `whiten`. None where the data cannot carry a fit: no degrees of freedom, exposures
    that the nuisance columns determine, an outcome they explain wholly.
    """
    nuisance = independent_columns(nuisance)
    versions = _new(nuisance, exposures.reshape(len(days), -1))
    df = len(days) - nuisance.shape[1] - 1
    if df < 1 or not versions.size:
        return None
    left, log_determinant = _free_of(days, nuisance, np.column_stack([versions, outcome]), scatter)
    x, y = left[:, :, :-1], left[:, :, -1:]
    information = np.sum(x**2, axis=1)
    coefficient = np.sum(x * y, axis=1) / information
    residual = np.sum((y - coefficient[:, None, :] * x) ** 2, axis=1)
    if residual.min() <= _explained(outcome):
        return None
    log_likelihood = -0.5 * (log_determinant[:, None] + df * np.log(residual))
    if versions.shape[1] == 1:
        log_likelihood -= 0.5 * np.log(information)
    weight = _weights(log_likelihood)
    estimate = float(np.sum(weight * coefficient))
    variance = residual / df / information + (coefficient - estimate) ** 2
    return Fit(estimate, float(np.sqrt(np.sum(weight * variance))), df)


def fit_noise(days: Array, outcome: Array, columns: Array, scatter: Array | None = None) -> Noise | None:
    """The error of `outcome` (n,) about `columns` (n, q); None where that cannot be fitted."""
    columns = independent_columns(columns)
    df = len(days) - columns.shape[1]
    if df < 1:
        return None
    left, log_determinant = _free_of(days, columns, outcome[:, None], scatter)
    residual = np.sum(left[:, :, 0] ** 2, axis=1)
    if residual.min() <= _explained(outcome):
        return None
    return Noise(_weights(-0.5 * (log_determinant + df * np.log(residual))), residual / df)


def _explained(outcome: Array) -> float:
    """A sum of squares that is nothing but rounding."""
    return 1e-12 * max(float(np.sum((outcome - outcome.mean()) ** 2)), 1e-12)


def _weights(log_likelihood: Array) -> Array:
    weight = np.exp(log_likelihood - log_likelihood.max())
    return np.asarray(weight / weight.sum())
