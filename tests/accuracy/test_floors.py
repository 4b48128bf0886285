"""A small part of `make accuracy`, with floors: accuracy does not get lost unnoticed."""

import numpy as np
import pytest

from tests.accuracy.ground import Ground, join, measure_ground
from tests.accuracy.steadiness import measure_season, slope_on_truth, within_r
from tests.accuracy.world import FLOOR_SEEDS, TEST_SEEDS, TUNING_SEEDS


def test_seeds_are_kept_apart() -> None:
    """No seed that constants were tuned on is measured on."""
    assert not set(TUNING_SEEDS) & {*TEST_SEEDS, *FLOOR_SEEDS}


@pytest.fixture(scope="module", params=["typical", "GPS"])
def measured(request: pytest.FixtureRequest) -> tuple[str, Ground]:
    """Two runners with a barometer, and two with the altitude of GPS."""
    return request.param, join(measure_ground(request.param, seed, passes=4) for seed in FLOOR_SEEDS)


def test_grade(measured: tuple[str, Ground]) -> None:
    """Grade errs by no more than a barometer, or GPS, lets it."""
    sensor, ground = measured
    assert 100 * np.sqrt(np.mean(ground.hill_error)) < {"typical": 1.2, "GPS": 3.8}[sensor]


def test_labels_of_one_pass(measured: tuple[str, Ground]) -> None:
    """One pass finds most of the technical ground, and its borders within 30 m."""
    sensor, ground = measured
    assert ground.single.f1 > {"typical": 0.82, "GPS": 0.78}[sensor]
    assert ground.single.border_error_m <= 30


def test_labels_with_place_memory(measured: tuple[str, Ground]) -> None:
    """Four passes together do better than each alone."""
    sensor, ground = measured
    assert ground.memory.f1 > max({"typical": 0.87, "GPS": 0.86}[sensor], ground.single.f1)
    assert ground.memory.border_error_m <= 25


def test_roads_are_smooth(measured: tuple[str, Ground]) -> None:
    """A road runner is told of next to no technical ground."""
    assert measured[1].road.false_share < 0.05


def test_steadiness_follows_the_truth() -> None:
    """What is measured goes with the truth of two runners who walk in part: r is 0.91 over 12 runs each."""
    seasons = [measure_season("typical", seed, pace_follows=0.0, pairs=6) for seed in FLOOR_SEEDS]
    assert within_r(seasons, "log_measured") > 0.88
    assert slope_on_truth(seasons, "log_measured") > 0.8
