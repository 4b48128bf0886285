"""The fit with drifting errors, against covariance matrices written out in full."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from pipeline.effect.gls import DRIFT_SHARE, TAU_DAYS, Fit, fit_gls, independent_columns, whiten

Array = NDArray[np.float64]


def correlation(days: Array, tau: float, share: float) -> Array:
    """The correlation matrix, entry by entry."""
    lag = np.abs(days[:, None] - days[None, :])
    return share * np.exp(-lag / tau) + (1 - share) * np.eye(len(days))


def example(n: int = 40, seed: int = 3) -> tuple[Array, Array, Array, Array]:
    """Days with two runs on some, an outcome with drift, an exposure and nuisance columns."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.integers(0, 2 * n, n)).astype(float)
    outcome = np.cumsum(rng.standard_normal(n)) * 0.1 + 0.2 * rng.standard_normal(n)
    return days, outcome, rng.standard_normal(n), np.column_stack([np.ones(n), days / n])


def test_whitening_two_runs_by_hand() -> None:
    """Two runs a day apart: the second is freed of r times the first and scaled by sqrt(1 - r²)."""
    tau, share = 2.0, 0.5
    r = share * np.exp(-1 / tau)
    white, log_det = whiten(
        np.array([0.0, 1.0]), np.array([[3.0], [5.0]]), np.array([tau]), np.array([share])
    )
    assert white[0, :, 0] == pytest.approx([3.0, (5 - 3 * r) / np.sqrt(1 - r**2)])
    assert log_det[0] == pytest.approx(np.log(1 - r**2))


@pytest.mark.parametrize("share", [0.0, 0.4, 0.95])
def test_whitening_equals_the_cholesky_factor(share: float) -> None:
    """One pass over the runs equals solving with the Cholesky factor of the full matrix, ties included."""
    days, outcome, exposure, _ = example()
    columns = np.column_stack([outcome, exposure])
    factor = np.linalg.cholesky(correlation(days, 15, share))
    white, log_det = whiten(days, columns, np.array([15.0]), np.array([share]))
    assert white[0] == pytest.approx(np.linalg.solve(factor, columns))
    assert log_det[0] == pytest.approx(2 * np.log(np.diag(factor)).sum())


def test_whitening_with_scatter_of_their_own() -> None:
    """Rows with nuggets of their own are whitened by the matrix that has them on its diagonal."""
    days, outcome, exposure, _ = example()
    columns = np.column_stack([outcome, exposure])
    scatter = np.linspace(0.5, 1.5, len(days))
    full = correlation(days, 15, 0.4) + 0.6 * np.diag(scatter - 1)
    white, log_det = whiten(days, columns, np.array([15.0]), np.array([0.4]), scatter)
    assert white[0] == pytest.approx(np.linalg.solve(np.linalg.cholesky(full), columns))
    assert log_det[0] == pytest.approx(np.linalg.slogdet(full)[1])


def brute_force(
    days: Array, outcome: Array, design: Array, scatter: Array | None = None
) -> tuple[float, float, Array]:
    """Estimate, standard error and grid weights from the textbook's matrix formulas."""
    n, p = design.shape
    pairs = [(5.0, 0.0)] + [(tau, share) for tau in TAU_DAYS for share in DRIFT_SHARE if share]
    rows = []
    for tau, share in pairs:
        v = correlation(days, tau, share)
        if scatter is not None:
            v += (1 - share) * np.diag(scatter - 1)
        inverse = np.linalg.inv(v)
        information = design.T @ inverse @ design
        beta = np.linalg.solve(information, design.T @ inverse @ outcome)
        rest = outcome - design @ beta
        sigma2 = float(rest @ inverse @ rest) / (n - p)
        likelihood = -0.5 * (
            (n - p) * np.log(sigma2) + np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1]
        )
        rows.append((beta[-1], sigma2 * np.linalg.inv(information)[-1, -1], likelihood))
    betas, variances, likelihoods = np.array(rows).T
    weight = np.exp(likelihoods - likelihoods.max())
    weight /= weight.sum()
    mean = float(weight @ betas)
    return mean, float(np.sqrt(weight @ (variances + (betas - mean) ** 2))), weight


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fit_equals_the_likelihood_written_out(seed: int) -> None:
    """Estimate and standard error equal those of 21 restricted likelihoods with full matrices."""
    days, outcome, exposure, nuisance = example(seed=seed)
    fit = fit_gls(days, outcome, exposure, nuisance)
    mean, se, _ = brute_force(days, outcome, np.column_stack([nuisance, exposure]))
    assert fit is not None
    assert (fit.estimate, fit.se, fit.df) == (pytest.approx(mean), pytest.approx(se), len(days) - 3)


def test_fit_of_runs_that_rest_on_more_and_less_equals_the_likelihood_written_out() -> None:
    """The same with a nugget of its own for every run, from a third to three times the usual one."""
    days, outcome, exposure, nuisance = example()
    scatter = np.exp(np.linspace(-1.1, 1.1, len(days)))
    fit = fit_gls(days, outcome, exposure, nuisance, scatter)
    mean, se, _ = brute_force(days, outcome, np.column_stack([nuisance, exposure]), scatter)
    assert fit is not None
    assert (fit.estimate, fit.se) == (pytest.approx(mean), pytest.approx(se))


def test_a_single_covariance_equals_statsmodels() -> None:
    """Whitened least squares equals statsmodels' GLS with the same covariance matrix."""
    days, outcome, exposure, nuisance = example()
    design = np.column_stack([nuisance, exposure])
    referee = sm.GLS(outcome, design, sigma=correlation(days, 45, 0.6)).fit()
    white, _ = whiten(days, np.column_stack([design, outcome]), np.array([45.0]), np.array([0.6]))
    own, *_ = np.linalg.lstsq(white[0, :, :3], white[0, :, 3])
    assert own == pytest.approx(referee.params)


def test_the_likelihood_prefers_the_drift_that_made_the_data() -> None:
    """With 150 runs of a slow strong drift the weight goes to slow strong drifts."""
    rng = np.random.default_rng(5)
    days = np.arange(150.0)
    drift = np.linalg.cholesky(correlation(days, 45, 0.8)) @ rng.standard_normal(150)
    *_, weight = brute_force(days, drift, np.ones((150, 1)))
    shares = np.array([0.0] + [share for _ in TAU_DAYS for share in DRIFT_SHARE if share])
    assert weight[(shares >= 0.6)].sum() > 0.9


def test_interval_and_p_are_those_of_t() -> None:
    """Estimate 2, standard error 1 and 10 degrees of freedom give the t table's values."""
    fit = Fit(2.0, 1.0, 10)
    assert fit.interval() == pytest.approx((2 - 2.228139, 2 + 2.228139), abs=1e-5)
    assert fit.p == pytest.approx(0.073388, abs=1e-5)
    assert fit.interval(0.90)[0] == pytest.approx(2 - float(stats.t.ppf(0.95, 10)))


def test_a_repeated_column_is_dropped() -> None:
    """A column that others determine goes; the first ones stay."""
    columns = np.array([[1.0, 0, 1, 2], [1, 1, 2, 5], [1, 2, 3, 1], [1, 3, 4, 0]])
    assert independent_columns(columns) == pytest.approx(columns[:, [0, 1, 3]])


@pytest.mark.parametrize(
    ("outcome", "exposure", "nuisance"),
    [
        (np.ones(9), np.arange(9.0), np.ones((9, 1))),
        (np.random.default_rng(0).standard_normal(9), np.full(9, 2.0), np.ones((9, 1))),
        (np.array([1.0, 2.0]), np.array([0.0, 1.0]), np.ones((2, 1))),
        (2 * np.arange(9.0), np.random.default_rng(0).standard_normal(9), np.arange(9.0)[:, None]),
    ],
    ids=["constant outcome", "constant dose", "no degrees of freedom", "outcome explained"],
)
def test_what_cannot_be_fitted_is_none(outcome: Array, exposure: Array, nuisance: Array) -> None:
    """Where there is nothing to estimate there is no figure, and no warning."""
    assert fit_gls(np.arange(float(len(outcome))), outcome, exposure, nuisance) is None


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(0.1, 10))
def test_adding_an_effect_moves_the_estimate_by_it(seed: int, effect: float, unit: float) -> None:
    """Adding b times the exposure to the outcome adds b to the estimate, and units scale it."""
    days, outcome, exposure, nuisance = example(n=15, seed=seed)
    plain = fit_gls(days, outcome, exposure, nuisance)
    moved = fit_gls(days, outcome + effect * exposure, exposure * unit, nuisance)
    assert plain is not None
    assert moved is not None
    assert moved.estimate * unit == pytest.approx(plain.estimate + effect, abs=1e-6)
    assert moved.se * unit == pytest.approx(plain.se, rel=1e-6)


def test_the_average_over_versions_equals_brute_force() -> None:
    """Two versions of an exposure: weights by likelihood, their spread added to the variance."""
    days, outcome, exposure, nuisance = example()
    versions = np.column_stack([exposure, exposure + 0.5 * np.sin(days)])
    found = []
    for tau, share in [(5.0, 0.0)] + [(tau, share) for tau in TAU_DAYS for share in DRIFT_SHARE if share]:
        v = correlation(days, tau, share)
        for version in versions.T:
            fit = sm.GLS(outcome, np.column_stack([nuisance, version]), sigma=v).fit()
            residual = fit.resid @ np.linalg.inv(v) @ fit.resid
            restricted = np.linalg.slogdet(nuisance.T @ np.linalg.inv(v) @ nuisance)[1]
            likelihood = -0.5 * (np.linalg.slogdet(v)[1] + restricted + fit.df_resid * np.log(residual))
            found.append((likelihood, fit.params[-1], fit.bse[-1] ** 2))
    likelihood, coefficient, variance = np.array(found).T
    weight = np.exp(likelihood - likelihood.max()) / np.exp(likelihood - likelihood.max()).sum()
    estimate = weight @ coefficient
    fit = fit_gls(days, outcome, versions, nuisance)
    assert fit is not None
    assert fit.estimate == pytest.approx(estimate)
    assert fit.se == pytest.approx(np.sqrt(weight @ (variance + (coefficient - estimate) ** 2)))


def test_a_version_that_says_nothing_counts_not() -> None:
    """A constant version counts not, and where nothing else is left there is no fit."""
    days, outcome, exposure, nuisance = example()
    twice = fit_gls(days, outcome, np.column_stack([exposure, exposure]), nuisance)
    assert twice == fit_gls(days, outcome, np.column_stack([exposure, exposure, np.ones(40)]), nuisance)
    assert fit_gls(days, outcome, np.ones((40, 2)), nuisance) is None
