"""Rolling statistics, gaps and stretches."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import median_filter
from scipy.signal import savgol_filter

from pipeline.numeric import (
    RunningSums,
    fill_between,
    fit_slopes,
    fit_values,
    local_metres,
    merge_short,
    most_of,
    quantile,
    resample,
    rolling_mean,
    rolling_sd,
    stretches,
)

numbers = arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e3, 1e3))


def test_resample_bridges_short_gaps_only() -> None:
    """A gap of 2 s is interpolated, one of 6 s is left empty when 3 s is the limit."""
    time_s = np.array([0.0, 2.0, 8.0])
    got = resample(time_s, np.array([10.0, 20.0, 50.0]), np.arange(9), 3.0)
    expected = [10, 15, 20, np.nan, np.nan, np.nan, np.nan, np.nan, 50]
    np.testing.assert_allclose(got, expected)


def test_resample_skips_invalid_samples() -> None:
    """A missing sample between two good ones is bridged as if it had not been recorded."""
    got = resample(np.array([0.0, 1.0, 2.0]), np.array([1.0, np.nan, 3.0]), np.arange(3), 10.0)
    assert got.tolist() == [1.0, 2.0, 3.0]


def test_resample_does_not_reach_beyond_the_samples() -> None:
    """Before the first and after the last sample nothing is known."""
    got = resample(np.array([5.0, 6.0]), np.array([1.0, 1.0]), np.array([0, 4, 5, 6, 7, 9]), 10.0)
    assert np.isfinite(got).tolist() == [False, False, True, True, False, False]


def test_rolling_mean_by_hand() -> None:
    """The window shrinks at the ends and leaves out what is missing."""
    got = rolling_mean(np.array([1.0, 2.0, np.nan, 4.0]), 3)
    np.testing.assert_allclose(got, [1.5, 1.5, 3.0, 4.0])


@given(numbers, st.integers(0, 6))
def test_rolling_statistics_equal_numpy_on_each_window(value: np.ndarray, half: int) -> None:
    """Every rolling mean and SD equals numpy's on the same samples."""
    mean, sd = rolling_mean(value, 2 * half + 1), rolling_sd(value, 2 * half + 1)
    for i in range(len(value)):
        part = value[max(i - half, 0) : i + half + 1]
        assert np.isclose(mean[i], part.mean(), atol=1e-6)
        if len(part) > 1:
            assert np.isclose(sd[i], part.std(), atol=1e-3)


def test_stretches_of_nothing() -> None:
    """An empty label has no stretch."""
    assert stretches(np.array([])).tolist() == [0]


def test_merge_short_gives_a_stretch_to_its_longer_neighbour() -> None:
    """The lone 2 lies between two 1s and four 3s: it joins the 3s."""
    assert merge_short(np.array([1, 1, 2, 3, 3, 3, 3]), 2).tolist() == [1, 1, 3, 3, 3, 3, 3]


@given(arrays(np.int64, st.integers(1, 80), elements=st.integers(0, 2)), st.integers(1, 12))
def test_after_merging_no_stretch_is_short(label: np.ndarray, min_length: int) -> None:
    """What is left is at least the minimum long, or it is the whole."""
    length = np.diff(stretches(merge_short(label, min_length)))
    assert len(length) == 1 or length.min() >= min_length


def test_fill_between_holds_the_ends() -> None:
    """Missing ends take the nearest value, missing middles are interpolated."""
    got = fill_between(np.array([np.nan, 1.0, np.nan, 3.0, np.nan]))
    assert got.tolist() == [1.0, 1.0, 2.0, 3.0, 3.0]


def test_local_metres_across_the_date_line() -> None:
    """A step over the 180th meridian is a step, not a turn round the earth."""
    east, north = local_metres(np.array([0.0, 0.0]), np.array([179.9995, -179.9995]))
    np.testing.assert_allclose(east[1], 111.195, atol=0.01)
    assert north[1] == 0.0


def test_running_sums_by_hand() -> None:
    """Of 1, not known, 3 and 5 the first two have the mean 1, the last two 4; what is not known has none."""
    sums = RunningSums.of(np.array([1.0, np.nan, 3.0, 5.0]))
    got = sums.mean(np.array([0, 2, 1]), np.array([2, 4, 2]))
    np.testing.assert_array_equal(got, [1.0, 4.0, np.nan])


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_running_sums_give_the_mean_of_any_stretch(n: int, seed: int) -> None:
    """The mean of a stretch is that of its known samples, wherever it begins and ends."""
    rng = np.random.default_rng(seed)
    value = np.where(rng.random(n) < 0.2, np.nan, rng.normal(0, 3, n))
    low, high = np.sort(rng.integers(0, n + 1, (2, 9)), axis=0)
    cut = [value[a:b][np.isfinite(value[a:b])] for a, b in zip(low, high, strict=True)]
    expected = [own.mean() if len(own) else np.nan for own in cut]
    np.testing.assert_allclose(RunningSums.of(value).mean(low, high), expected, atol=1e-9)


def test_a_parabola_is_its_own_fit() -> None:
    """Of y = 3 + 2 x + x² the fitted value is y and the slope 2 + 2 x, at the ends as well."""
    x = np.arange(12.0)
    smooth, slope = fit_values(3 + 2 * x + x**2, 5), fit_slopes(3 + 2 * x + x**2, 5)
    np.testing.assert_allclose(smooth, 3 + 2 * x + x**2)
    np.testing.assert_allclose(slope, 2 + 2 * x)


@given(width=st.sampled_from([3, 5, 7, 17, 41]), extra=st.integers(0, 60), seed=st.integers(0, 2**32 - 1))
def test_quadratics_are_those_of_scipy(width: int, extra: int, seed: int) -> None:
    """Value and slope equal scipy's Savitzky-Golay filter with its interpolated ends."""
    value = np.random.default_rng(seed).normal(800, 30, width + extra)
    smooth, slope = fit_values(value, width), fit_slopes(value, width)
    np.testing.assert_allclose(smooth, savgol_filter(value, width, 2), atol=1e-9)
    np.testing.assert_allclose(slope, savgol_filter(value, width, 2, deriv=1), atol=1e-9)


def test_most_of_by_hand() -> None:
    """Of three neighbours two must be set; the first and the last stand for what is beyond them."""
    got = most_of(np.array([True, False, True, True, False, False, True]), 3)
    assert got.tolist() == [True, True, True, True, False, False, True]


@given(numbers, st.integers(0, 9), st.floats(-1e3, 1e3))
def test_most_are_above_where_the_median_is(value: np.ndarray, half: int, limit: float) -> None:
    """Where most samples reach a limit, scipy's running median does, and nowhere else."""
    median = median_filter(value, 2 * half + 1, mode="nearest")
    assert (most_of(value >= limit, 2 * half + 1) == (median >= limit)).all()


@given(numbers, st.floats(0, 1))
def test_a_quantile_is_that_of_numpy(value: np.ndarray, share: float) -> None:
    """Of any numbers and any share the quantile is numpy's to the last bit."""
    assert quantile(value, share) == np.quantile(value, share)
