"""Place memory: who meets whom, and what is said where too few have passed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.numeric import Array, Integers
from pipeline.places import NOWHERE, SECTORS, Passes, learn_places, place_ids, sum_passes

METRES_PER_DEG = math.pi / 180 * 6_371_008.8  # the middle of the Atlantic, on the equator: the same both ways
EAST, WEST = 90.0, 270.0


def passing(
    score: float | Array, *, heading_deg: float = EAST, north_m: float = 12.5, east_m: float = 0.0
) -> Passes:
    """A straight pass of 200 m along the equator, a cell every 5 m, `north_m` beside it."""
    n = 40
    lon = (np.arange(n) * 5.0 + 2.5 + east_m) / METRES_PER_DEG
    place = place_ids(np.full(n, north_m / METRES_PER_DEG), lon, np.full(n, heading_deg))
    return sum_passes(place, {"score": np.broadcast_to(np.asarray(score, dtype=np.float64), n)})


def recalled(one: Passes, *others: Passes) -> tuple[Array, Integers]:
    """What `one` and `others` together say of the places of `one`."""
    places = learn_places([(p.place, p.values["score"]) for p in (one, *others)])
    return places.recall(one.place)


def grid_of(place: Integers) -> list[tuple[int, int, int]]:
    """Row, column and sector of each place, counted from where the equator meets Greenwich."""
    return [(int(p >> 25) - 2**20, int(p >> 3 & 2**22 - 1) - 2**20, int(p % SECTORS)) for p in place]


def test_places_by_hand() -> None:
    """30 m north and 60 m east is the second row and the third column; 100 degrees is the sector of east."""
    place = place_ids(
        np.array([30.0, -1.0]) / METRES_PER_DEG,
        np.array([60.0, 1.0]) / METRES_PER_DEG,
        np.array([100.0, 350.0]),
    )
    assert grid_of(place) == [(1, 2, 2), (-1, 0, 0)]


def test_longitude_shrinks_to_the_north() -> None:
    """At 60 degrees north a degree of longitude is half as wide, so the same 60 m are twice the degrees."""
    place = place_ids(np.array([60.0]), np.array([120.0]) / METRES_PER_DEG, np.array([0.0]))
    assert grid_of(place)[0][1] == 2


@pytest.mark.parametrize("lat_deg", [-89.9, 0.0, 89.9])
@pytest.mark.parametrize("lon_deg", [-180.0, -0.001, 180.0])
def test_places_reach_around_the_world(lat_deg: float, lon_deg: float) -> None:
    """Wherever a runner is, the number of a place gives back its row and column within the world."""
    ((row, column, sector),) = grid_of(place_ids(np.array([lat_deg]), np.array([lon_deg]), np.array([0.0])))
    assert row == math.floor(lat_deg * METRES_PER_DEG / 25)
    assert column == math.floor(lon_deg * METRES_PER_DEG * math.cos(math.radians(round(lat_deg, 1))) / 25)
    assert sector == 0


def test_a_sector_reaches_half_a_turn_to_each_side() -> None:
    """Sectors are 45 degrees wide about north, north-east and so on: 22 is north, 23 is north-east."""
    headings = np.array([0.0, 22.0, 23.0, 337.0, 338.0, 359.9])
    place = place_ids(np.zeros(6), np.zeros(6), headings)
    assert (place % SECTORS).tolist() == [0, 0, 1, 7, 0, 0]


def test_no_place_without_position_or_heading() -> None:
    """A cell whose position or heading is missing is nowhere, and no run passes there."""
    place = place_ids(np.array([np.nan, 0.0, 0.0]), np.zeros(3), np.array([0.0, np.nan, 90.0]))
    assert place[:2].tolist() == [NOWHERE, NOWHERE]
    assert sum_passes(place, {"score": np.ones(3)}).place.tolist() == [place[2]]


def test_a_pass_is_the_mean_over_its_cells_that_are_known() -> None:
    """Cells of one place that say 0, 1 and nothing make a pass that says a half."""
    place = place_ids(np.zeros(3), np.zeros(3), np.full(3, EAST))
    found = sum_passes(place, {"score": np.array([0.0, 1.0, np.nan])})
    assert found.values["score"].tolist() == [0.5]


def test_three_passes_share_their_mean() -> None:
    """Three passes that say 0, 1 and 5 of the same trail all get 2, resting on three runs."""
    score, n = recalled(passing(0.0), passing(1.0), passing(5.0))
    np.testing.assert_allclose(score, 2.0, atol=1e-12)
    assert set(n) == {3}


def test_two_passes_are_too_few() -> None:
    """After two passes nothing is said of a place yet, but that two came by."""
    score, n = recalled(passing(0.5), passing(1.5))
    assert np.isnan(score).all()
    assert set(n) == {2}


def test_a_run_counts_once_however_often_it_passes() -> None:
    """Three laps of one run over the same place are one pass: the label must not rest on one day."""
    lap = np.arange(40) * 5.0 / METRES_PER_DEG
    place = place_ids(np.zeros(120), np.tile(lap, 3), np.full(120, EAST))
    _, n = recalled(sum_passes(place, {"score": np.full(120, 0.5)}))
    assert set(n) == {1}


def test_the_way_back_is_another_place() -> None:
    """Going up and coming down the same trail do not share a score."""
    up, down = [passing(1.0)] * 3, [passing(-1.0, heading_deg=WEST)] * 3
    assert set(recalled(*up, *down)[0]) == {1.0}
    assert set(recalled(*down, *up)[0]) == {-1.0}


def test_neighbouring_squares_weigh_by_their_distance() -> None:
    """Beside squares that say 1, a row of squares 25 m aside that says 0 comes to exp(-25²/2/15²) shares."""
    score, _ = recalled(*[passing(0.0)] * 3, *[passing(1.0, north_m=37.5)] * 3)
    beside_share = math.exp(-(25.0**2) / (2 * 15.0**2))
    np.testing.assert_allclose(score, beside_share / (1 + beside_share))


def test_along_the_way_squares_weigh_less_than_beside_it() -> None:
    """By hand: 25 m along the way weighs exp(-25²/2/10²), 25 m aside exp(-25²/2/15²)."""
    step = np.repeat([0.0, 1.0], [20, 20])  # rises in the middle of the way, at a square's edge
    score, _ = recalled(*[passing(step)] * 3)
    ahead_share = math.exp(-(25.0**2) / (2 * 10.0**2))
    assert sorted(score)[3] == pytest.approx(ahead_share / (1 + 2 * ahead_share))
    assert sorted(score)[:3] == [0, 0, 0]


def test_passes_of_the_next_square_count_as_different_runs() -> None:
    """Two runs on one side of a square's border and one on the other are three passes, not two."""
    _, n = recalled(*[passing(0.0, north_m=24.0)] * 2, passing(0.0, north_m=26.0))
    assert set(n) == {3}


def test_two_squares_away_nothing_is_shared() -> None:
    """A parallel trail 50 m away has no say and is no pass."""
    score, n = recalled(*[passing(0.0)] * 3, *[passing(1.0, north_m=62.5)] * 3)
    assert set(score) == {0.0}
    assert set(n) == {3}


def test_positions_that_are_off_still_meet() -> None:
    """Six passes whose positions are 10 to 15 m off in any direction share nearly all of their places."""
    rng = np.random.default_rng(7)
    shared = []
    for _ in range(10):
        off_m, towards = rng.uniform(10, 15, 6), rng.uniform(0, 2 * np.pi, 6)
        passes = [
            passing(
                float(i), north_m=12.5 + off_m[i] * np.cos(towards[i]), east_m=off_m[i] * np.sin(towards[i])
            )
            for i in range(6)
        ]
        shared += [recalled(one, *passes[:i], *passes[i + 1 :])[1] >= 3 for i, one in enumerate(passes)]
    assert np.concatenate(shared).mean() > 0.95


def test_unknown_scores_teach_nothing_and_learn_from_others() -> None:
    """A pass whose score is not known is no pass, yet it takes what three others know of the place."""
    blind = passing(math.nan)
    assert np.isnan(recalled(blind, *[passing(1.0)] * 2)[0]).all()
    assert set(recalled(blind, *[passing(1.0)] * 3)[0]) == {1.0}


def test_nothing_is_learnt_of_nothing() -> None:
    """An athlete without runs has no places, and whoever asks of one is told nothing."""
    places = learn_places([])
    assert len(places.place) == 0
    score, n = places.recall(passing(1.0).place)
    assert np.isnan(score).all()
    assert set(n) == {0}


@given(order=st.permutations(range(5)), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_the_order_of_runs_does_not_matter(order: list[int], seed: int) -> None:
    """Places learnt from the same runs in another order say the same."""
    rng = np.random.default_rng(seed)
    passes = [passing(rng.normal(size=40), north_m=float(rng.uniform(0, 60))) for _ in range(5)]
    pairs = [(p.place, p.values["score"]) for p in passes]
    one, other = learn_places(pairs), learn_places([pairs[i] for i in order])
    np.testing.assert_array_equal(one.place, other.place)
    np.testing.assert_array_equal(one.passes, other.passes)
    np.testing.assert_allclose(one.score, other.score, atol=1e-12)
