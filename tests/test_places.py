"""Place memory: who meets whom, and what is said where too few have passed."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.places import learn_places, place_keys, recall_places
from pipeline.tables import DataFrame, Grid

METRES_PER_DEG = math.pi / 180 * 6_371_008.8  # the middle of the Atlantic, on the equator: the same both ways
EAST, WEST = 90.0, 270.0


def passing(
    run_id: str, score: float | list[float | None], *, heading_deg: float = EAST, aside_m: float = 12.5
) -> DataFrame[Grid]:
    """The grid of a straight pass of 200 m to the east, `aside_m` north of the equator."""
    n = 40
    scores = score if isinstance(score, list) else [score] * n
    columns: dict[str, object] = dict.fromkeys(Grid.column_names(), 0.0)
    columns |= {
        "run_id": run_id,
        "cell": np.arange(n),
        "lat_deg": np.full(n, aside_m / METRES_PER_DEG),
        "lon_deg": (np.arange(n) * 5.0 + 2.5) / METRES_PER_DEG,
        "heading_deg": heading_deg,
        "score": pl.Series(scores, dtype=pl.Float64),
    }
    return Grid.cast(pl.DataFrame(columns))


def together(*passes: DataFrame[Grid]) -> DataFrame[Grid]:
    """The grids of several passes as one table."""
    return Grid.cast(pl.concat(passes))


def test_keys_by_hand() -> None:
    """30 m north and 60 m east is the second row and the third column; 100 degrees is the sector of east."""
    keys = place_keys(
        np.array([30.0, -1.0]) / METRES_PER_DEG,
        np.array([60.0, 1.0]) / METRES_PER_DEG,
        np.array([100.0, 350.0]),
    )
    assert keys.rows() == [(1, 2, 2), (-1, 0, 0)]


def test_longitude_shrinks_to_the_north() -> None:
    """At 60 degrees north a degree of longitude is half as wide, so the same 60 m are twice the degrees."""
    keys = place_keys(np.array([60.0]), np.array([120.0]) / METRES_PER_DEG, np.array([0.0]))
    assert keys["column"].to_list() == [2]


def test_a_sector_reaches_half_a_turn_to_each_side() -> None:
    """Sectors are 45 degrees wide about north, north-east and so on: 22 is north, 23 is north-east."""
    headings = np.array([0.0, 22.0, 23.0, 337.0, 338.0, 359.9])
    keys = place_keys(np.zeros(6), np.zeros(6), headings)
    assert keys["sector"].to_list() == [0, 0, 1, 7, 0, 0]


def test_no_place_without_position_or_heading() -> None:
    """A cell whose position or heading is missing has no key at all."""
    keys = place_keys(np.array([np.nan, 0.0, 0.0]), np.zeros(3), np.array([0.0, np.nan, 90.0]))
    assert keys["row"].to_list() == [None, None, 0]
    assert keys["sector"].to_list() == [None, None, 2]


def test_three_passes_share_their_mean() -> None:
    """Three passes that say 0, 1 and 5 of the same trail all get 2, resting on three runs."""
    passes = [passing(run, score) for run, score in (("a", 0.0), ("b", 1.0), ("c", 5.0))]
    places = learn_places(together(*passes))
    for grid in passes:
        score, n = recall_places(grid, places)
        np.testing.assert_allclose(score, 2.0, atol=1e-12)
        assert set(n) == {3}


def test_two_passes_are_too_few() -> None:
    """After two passes each keeps its own score and counts one pass."""
    first, second = passing("a", 0.5), passing("b", 1.5)
    score, n = recall_places(first, learn_places(together(first, second)))
    assert set(score) == {0.5}
    assert set(n) == {1}


def test_a_run_counts_once_however_often_it_passes() -> None:
    """Three laps of one run over the same place are one pass: the label must not rest on one day."""
    lap = passing("a", 0.5)
    laps = Grid.cast(pl.concat([lap] * 3).with_columns(cell=pl.int_range(3 * len(lap))))
    score, n = recall_places(laps, learn_places(laps))
    assert set(score) == {0.5}
    assert set(n) == {1}


def test_the_way_back_is_another_place() -> None:
    """Going up and coming down the same trail do not share a score."""
    up = [passing(f"up {i}", 1.0) for i in range(3)]
    down = [passing(f"down {i}", -1.0, heading_deg=WEST) for i in range(3)]
    places = learn_places(together(*up, *down))
    assert set(recall_places(up[0], places)[0]) == {1.0}
    assert set(recall_places(down[0], places)[0]) == {-1.0}


def test_neighbouring_squares_weigh_by_their_distance() -> None:
    """Beside squares that say 1, a row of squares 25 m aside that says 0 comes to exp(-25²/2/15²) shares."""
    here = [passing(f"here {i}", 0.0) for i in range(3)]
    beside = [passing(f"beside {i}", 1.0, aside_m=37.5) for i in range(3)]
    score, _ = recall_places(here[0], learn_places(together(*here, *beside)))
    beside_share = math.exp(-(25.0**2) / (2 * 15.0**2))
    np.testing.assert_allclose(score, beside_share / (1 + beside_share))


def test_two_squares_away_nothing_is_shared() -> None:
    """A parallel trail 50 m away has no say."""
    here = [passing(f"here {i}", 0.0) for i in range(3)]
    away = [passing(f"away {i}", 1.0, aside_m=62.5) for i in range(3)]
    assert set(recall_places(here[0], learn_places(together(*here, *away)))[0]) == {0.0}


def test_positions_that_are_off_still_meet() -> None:
    """Six passes whose positions are 10 to 15 m off in any direction share nearly all of their places."""
    rng = np.random.default_rng(7)
    shared = []
    for _ in range(10):
        passes = []
        for i in range(6):
            off_m, towards = rng.uniform(10, 15), rng.uniform(0, 2 * np.pi)
            grid = passing(f"run {i}", float(i))
            moved = grid.with_columns(
                pl.col("lat_deg") + off_m * np.cos(towards) / METRES_PER_DEG,
                pl.col("lon_deg") + off_m * np.sin(towards) / METRES_PER_DEG,
            )
            passes.append(Grid.cast(moved))
        places = learn_places(together(*passes))
        shared += [recall_places(grid, places)[1] >= 3 for grid in passes]
    assert np.concatenate(shared).mean() > 0.95


def test_unknown_scores_teach_nothing_and_learn_from_others() -> None:
    """A pass whose score is not known is no pass, yet it takes what three others know of the place."""
    blind = passing("blind", [None] * 40)
    two = [passing(f"run {i}", 1.0) for i in range(2)]
    assert np.isnan(recall_places(blind, learn_places(together(blind, *two)))[0]).all()
    three = [*two, passing("run 2", 1.0)]
    assert set(recall_places(blind, learn_places(together(blind, *three)))[0]) == {1.0}


def test_a_run_without_positions_keeps_its_own_score() -> None:
    """On a treadmill there are no places: the run's own score stands."""
    nowhere = Grid.cast(passing("a", 0.25).with_columns(lat_deg=None, lon_deg=None, heading_deg=None))
    others = [passing(f"run {i}", 1.0) for i in range(3)]
    score, n = recall_places(nowhere, learn_places(together(nowhere, *others)))
    assert set(score) == {0.25}
    assert set(n) == {1}


def test_nothing_is_learnt_of_nothing() -> None:
    """An athlete without runs has no places, and that is no error."""
    places = learn_places(Grid.create_empty())
    assert places.is_empty()
    assert len(recall_places(Grid.create_empty(), places)[0]) == 0


@given(order=st.permutations(range(5)), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_the_order_of_runs_does_not_matter(order: list[int], seed: int) -> None:
    """Places learnt from the same runs in another order say the same."""
    rng = np.random.default_rng(seed)
    passes = [
        passing(f"run {i}", rng.normal(size=40).tolist(), aside_m=float(rng.uniform(0, 60))) for i in range(5)
    ]
    one, other = learn_places(together(*passes)), learn_places(together(*(passes[i] for i in order)))
    assert one.drop("score").equals(other.drop("score"))
    np.testing.assert_allclose(one["score"].to_numpy(), other["score"].to_numpy(), atol=1e-12)
