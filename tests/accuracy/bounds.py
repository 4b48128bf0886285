"""What no method can better: grade from the same recording by a smoother that knows the truth's statistics.

The hill, the rocks and every error of the watch are Gaussian with known covariance (clipping apart), so the
posterior variance of the slope is the least mean squared error that any estimate can have (Rasmussen &
Williams 2006, "Gaussian Processes for Machine Learning", eq. 2.26). It is even told how technical each
metre is.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.ndimage import gaussian_filter1d

from pipeline.numeric import Array
from sample_data.recording import Recording
from sample_data.routes import RouteKind, make_route
from tests.accuracy.world import TUNING_SEEDS, USUAL_DAY, SensorClass, make_pass, make_runner

STEP_M = 2
KIND = RouteKind("hills", 2_600, 0.065, trail=True, weekend=False, bends_m=1.0)


def grade_bound(sensor: SensorClass) -> tuple[float, float]:
    """Least RMSE (percentage points) of grade over 30 m: of the hill, and of the ground with its rocks."""
    seed = TUNING_SEEDS[0]
    route = make_route(KIND, 1, seed)
    recording = make_pass(make_runner(seed), route, sensor, 1, day=USUAL_DAY).recording
    at = np.arange(0, len(route.x_m), STEP_M)
    apart = np.abs(at[:, None] - at[None, :])
    climb = np.tril(np.full((len(at), len(at)), float(STEP_M)))
    hill = climb @ (KIND.grade_sd**2 * np.exp(-(apart**2) / (4 * 70.0**2))) @ climb.T + 100.0
    size = (0.38 * route.technicality + 0.03)[at]
    rocks = size[:, None] * size[None, :] * _band_covariance(len(route.x_m), 12, 50)[apart]
    seen = _where(recording, len(at))
    noise = _noise(recording, sensor)
    return (
        _least_error(hill, hill + rocks, seen, noise),
        _least_error(hill + rocks, hill + rocks, seen, noise),
    )


def _least_error(wanted: Array, signal: Array, seen: Array, noise: Array) -> float:
    """Root of the mean posterior variance of the 30 m slope of `wanted`, in percentage points."""
    reach = 15 // STEP_M
    offset = np.arange(-reach, reach + 1) * STEP_M
    n = len(wanted)
    slopes = np.zeros((n - 2 * reach, n))
    for row in range(len(slopes)):
        slopes[row, row : row + 2 * reach + 1] = offset / (offset**2).sum()
    known = slopes @ wanted @ seen.T
    factor = cho_factor(seen @ signal @ seen.T + noise)
    before = np.einsum("ij,ij->i", slopes @ wanted, slopes)
    explained = np.einsum("ij,ji->i", known, cho_solve(factor, known.T))
    return 100 * float(np.sqrt(np.mean(before - explained)))


def _where(recording: Recording, n: int) -> Array:
    """Matrix of records by places: each record sees the altitude between two of them."""
    place = np.clip(recording.way_m / STEP_M, 0, n - 1.001)
    left = place.astype(np.int64)
    rows = np.arange(len(place))
    seen = np.zeros((len(place), n))
    seen[rows, left] = 1 - (place - left)
    seen[rows, left + 1] = place - left
    return seen


def _noise(recording: Recording, sensor: SensorClass) -> Array:
    """Covariance of the altitude's errors: gusts, drift and rounding."""
    watch = sensor.watch
    apart_s = np.abs(recording.elapsed_s[:, None] - recording.elapsed_s[None, :])
    longest = int(apart_s.max()) + 1
    lag = np.arange(16 * longest)
    drift = np.fft.rfft(np.exp(-np.minimum(lag, len(lag) - lag) / watch.drift_s)).real
    drift *= np.exp(-((2 * np.pi * np.fft.rfftfreq(len(lag)) * watch.drift_s / 15) ** 2))
    slow = watch.drift_m**2 * np.fft.irfft(drift, len(lag))[apart_s]
    usual_gust = watch.gust_m**2 * np.exp(-apart_s / watch.gust_s)
    return np.asarray(slow + usual_gust + np.eye(len(apart_s)) * (watch.altitude_step_m**2 / 12 + 1e-4))


def _band_covariance(n: int, short: float, long: float) -> Array:
    """Autocovariance of `sample_data.routes.band_noise`, of variance 1."""
    pulse = np.zeros(n)
    pulse[0] = 1.0
    kernel = gaussian_filter1d(pulse, short / 6, mode="wrap") - gaussian_filter1d(
        pulse, long / 3, mode="wrap"
    )
    covariance = np.fft.irfft(np.abs(np.fft.rfft(kernel)) ** 2, n)
    return np.asarray(covariance / covariance[0])
