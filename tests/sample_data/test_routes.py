"""The invented routes."""

import numpy as np
import pytest

from sample_data.routes import PLACE_LAT_DEG, PLACE_LON_DEG, Route, make_routes

ROUTES = make_routes()
TRAILS = [route for route in ROUTES if route.trail]
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
every_trail = pytest.mark.parametrize("route", TRAILS, ids=lambda route: route.name)


@every_route
def test_route_is_a_loop(route: Route) -> None:
    """A route ends where it began, in steps of a metre."""
    steps = np.hypot(np.diff(route.x_m), np.diff(route.y_m))
    assert np.hypot(route.x_m[0] - route.x_m[-1], route.y_m[0] - route.y_m[-1]) < 10
    assert steps.mean() == pytest.approx(1.0, abs=0.02)
    assert abs(route.altitude_m[0] - route.altitude_m[-1]) < 3


@every_route
def test_stretches_cover_the_route(route: Route) -> None:
    """Stretches follow each other from start to end and change terrain at every border."""
    assert route.stretches[0].start_m == 0
    assert route.stretches[-1].end_m == route.length_m
    for one, other in zip(route.stretches, route.stretches[1:], strict=False):
        assert one.end_m == other.start_m
        assert one.terrain != other.terrain


@every_trail
def test_trails_mix_the_grounds(route: Route) -> None:
    """A trail is 35 to 45 % technical in stretches of about 100 to 800 m."""
    technical = [s.end_m - s.start_m for s in route.stretches if s.terrain == "technical"]
    assert 0.34 <= sum(technical) / route.length_m <= 0.46
    assert all(95 <= s.end_m - s.start_m <= 840 for s in route.stretches)


@every_trail
def test_hills(route: Route) -> None:
    """A trail has climbs of more than 10 % over 50 m and none beyond 22 %."""
    grade = np.abs(route.altitude_m[50:] - route.altitude_m[:-50]) / 50
    assert 0.10 < grade.max() < 0.22


def test_one_road() -> None:
    """One route is smooth from end to end."""
    roads = [route for route in ROUTES if not route.trail]
    assert [len(road.stretches) for road in roads] == [1]
    assert roads[0].technicality.max() == 0


def test_nobody_lives_there() -> None:
    """The place is open sea, hundreds of kilometres from any land."""
    assert (PLACE_LAT_DEG, PLACE_LON_DEG) == (0.25, -30.25)


@every_trail
def test_the_other_way_round(route: Route) -> None:
    """Run backwards twice, a route is itself again; once, its climbs are descents."""
    back = route.reversed()
    assert back.stretches[0].end_m == pytest.approx(route.length_m - route.stretches[-1].start_m)
    assert np.array_equal(np.diff(back.altitude_m)[::-1], -np.diff(route.altitude_m))
    assert back.reversed().stretches == route.stretches
