"""One run as the watch recorded it."""

from dataclasses import replace
from pathlib import Path

import fitdecode
import numpy as np
import pytest

from sample_data.plan import PlannedRun, plan_season
from sample_data.recording import Recording, record_run
from sample_data.routes import M_PER_DEG, PLACE_LAT_DEG, PLACE_LON_DEG, Route, make_routes
from sample_data.runner import STEADIED

ROUTES = {route.name: route for route in make_routes()}
RUNS = plan_season(STEADIED, 4, tuple(ROUTES.values())).runs


def _way(run: PlannedRun) -> Route:
    route = ROUTES[run.route]
    return route.reversed() if run.direction == "reverse" else route


def _record(run: PlannedRun) -> Recording:
    return record_run(STEADIED, _way(run), run)


def _on_technical(recording: Recording) -> np.ndarray:
    seconds = recording.elapsed_s
    return np.any(
        [(seconds >= s[1]) & (seconds < s[2]) for s in recording.stretches if s[0] == "technical"], axis=0
    )


def _log_window_sd(cadence_spm: np.ndarray, wanted: np.ndarray) -> float:
    """Mean log SD of 20 s windows of running that lie wholly on the wanted ground."""
    starts = range(0, len(cadence_spm) - 20, 20)
    windows = [cadence_spm[i : i + 20] for i in starts if wanted[i : i + 20].all()]
    return float(np.mean([np.log(w.std()) for w in windows if np.nanmin(w) > 135 and w.std() > 0]))


FIRST = next(r for r in RUNS if ROUTES[r.route].trail and r.sampling == "1 Hz")


def test_same_run_same_recording() -> None:
    """A run made twice is the same to the last digit."""
    one, other = _record(FIRST), _record(FIRST)
    assert np.array_equal(one.cadence_spm, other.cadence_spm, equal_nan=True)
    assert np.array_equal(one.lat_deg, other.lat_deg, equal_nan=True)
    assert one.stretches == other.stretches


def test_latent_unsteadiness_moves_technical_ground_alone() -> None:
    """Half the latent unsteadiness on technical ground is seen there, a little damped, and nowhere else."""
    moved = []
    for run in [run for run in RUNS if ROUTES[run.route].trail and run.sampling == "1 Hz"][:5]:
        seen = []
        for latent in (0.0, float(np.log(0.5))):
            recording = _record(replace(run, log_unsteadiness_technical=latent))
            technical = _on_technical(recording)
            seen.append([_log_window_sd(recording.cadence_spm, where) for where in (technical, ~technical)])
        moved.append(np.subtract(seen[1], seen[0]))
    on_technical, on_smooth = np.mean(moved, axis=0)
    # Changes of pace move cadence as well, and these windows are not adjusted for them.
    assert -0.69 < on_technical < -0.35
    assert on_smooth == pytest.approx(0, abs=0.1)


def test_technical_ground_is_slower_and_unsteadier() -> None:
    """On technical ground pace is lower, and cadence about twice as unsteady on a usual day."""
    recording = _record(replace(FIRST, log_unsteadiness_technical=0.0, log_unsteadiness_smooth=0.0))
    technical = _on_technical(recording)
    assert np.median(recording.speed_mps[technical]) < 0.9 * np.median(recording.speed_mps[~technical])
    contrast = _log_window_sd(recording.cadence_spm, technical) - _log_window_sd(
        recording.cadence_spm, ~technical
    )
    assert 1.5 < np.exp(contrast) < 2.5


def test_truth_covers_the_run() -> None:
    """Stretches in seconds and metres follow each other from the first record to the last."""
    recording = _record(FIRST)
    assert recording.stretches[0][1] == 0
    assert recording.stretches[-1][2] == recording.elapsed_s[-1]
    for one, other in zip(recording.stretches, recording.stretches[1:], strict=False):
        assert one[2] == other[1]
        assert one[4] == other[3]


def test_pauses() -> None:
    """No record lies within a pause, and every second outside has one."""
    recording = _record(FIRST)
    paused = {s for a, b in recording.pauses for s in range(a + 1, b + 1)}
    expected = sorted(set(range(int(recording.elapsed_s[-1]) + 1)) - paused)
    assert recording.elapsed_s.tolist() == expected
    assert 1 <= len(recording.pauses) <= 2


def test_gps_is_off_by_metres() -> None:
    """Positions lie within a few metres of the route, and the first seconds have none."""
    recording = _record(FIRST)
    route = _way(FIRST)
    fixed = ~np.isnan(recording.lat_deg)
    assert 4 <= int(np.argmax(fixed)) < 25
    assert fixed[np.argmax(fixed) :].all()
    x = (recording.lon_deg[fixed] - PLACE_LON_DEG) * M_PER_DEG * np.cos(np.radians(PLACE_LAT_DEG))
    y = (recording.lat_deg[fixed] - PLACE_LAT_DEG) * M_PER_DEG
    aside = [np.min(np.hypot(route.x_m - a, route.y_m - b)) for a, b in zip(x[::20], y[::20], strict=True)]
    assert 0.5 < np.median(aside) < 5
    assert max(aside) < 15


def test_smart_recording() -> None:
    """Smart recording keeps every first to eighth second."""
    smart = _record(next(r for r in RUNS if r.sampling == "smart"))
    rested = np.array([sum(b - a for a, b in smart.pauses if b < s) for s in smart.elapsed_s])
    assert set(np.diff(smart.elapsed_s - rested)) == {1, 2, 3, 4, 5, 6, 8}


def test_dropouts_of_cadence() -> None:
    """Cadence is missing for a few short stretches and no more."""
    missing = np.isnan(_record(FIRST).cadence_spm)
    assert 4 <= missing.sum() <= 60


def test_cadence_is_as_coarse_as_real_cadence(corpus: Path) -> None:
    """Share of identical seconds and size of steps while running lie within those of real 1 Hz watches."""
    real = [
        _steps(_read_cadence(path))
        for folder in ("trail-dynamics", "road-season")
        for path in sorted((corpus / folder).glob("*.fit"))[10:13]
    ]
    made = [_steps(_record(run).cadence_spm) for run in RUNS[:8] if run.sampling == "1 Hz"]
    same, jump = np.array(real).T
    for made_same, made_jump in made:
        assert same.min() - 0.1 < made_same < same.max() + 0.1
        assert made_jump <= jump.max() + 2


def _read_cadence(path: Path) -> np.ndarray:
    values = []
    with fitdecode.FitReader(path) as reader:
        for frame in reader:
            if isinstance(frame, fitdecode.FitDataMessage) and frame.name == "record":
                strides = frame.get_value("cadence", fallback=None)
                half = frame.get_value("fractional_cadence", fallback=None)
                values.append(np.nan if strides is None else 2 * (strides + (half or 0)))
    return np.array(values)


def _steps(cadence_spm: np.ndarray) -> tuple[float, float]:
    """Share of identical consecutive seconds and 95th percentile of the change, while running."""
    running = np.nan_to_num(cadence_spm) > 140
    steps = np.abs(np.diff(cadence_spm))[running[1:] & running[:-1]]
    return float(np.mean(steps == 0)), float(np.quantile(steps, 0.95))
