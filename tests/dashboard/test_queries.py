"""Workspace to small tables."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
from fake_workspace import FakeWorkspace
from hypothesis import given
from hypothesis import strategies as st

from dashboard import queries


def _track(lat: list[float], lon: list[float]) -> pl.DataFrame:
    n = len(lat)
    return pl.DataFrame(
        {
            "elapsed_s": range(n),
            "distance_m": [0.0] * n,
            "terrain": ["smooth"] * n,
            "lat_deg": lat,
            "lon_deg": lon,
        }
    )


def test_the_dose_by_category_adds_up_to_the_dose(workspace: FakeWorkspace) -> None:
    """On every day the categories that are drawn add up to the dose that the answer takes."""
    drawn = queries.dose_by_category(workspace, "maya").group_by("date").agg(pl.sum("dose")).sort("date")
    together = drawn.join(workspace.load_dose("maya"), on="date", suffix="_in_all")
    assert together.height > 200
    assert np.allclose(together["dose"], together["dose_in_all"], atol=1e-9)


def test_no_more_categories_than_colours() -> None:
    """Of five categories the two with the most minutes keep their name, the others become one."""
    frame = pl.DataFrame({"category": list("abcde"), "minutes": [1.0, 9.0, 2.0, 8.0, 3.0]})
    few = queries._with_few_categories(frame)
    assert few["category"].to_list() == ["all other", "b", "all other", "d", "all other"]


def test_positions_are_metres_about_the_start() -> None:
    """One thousandth of a degree north is 111.2 m, and east at 60 degrees half of that."""
    local = queries.local_positions(_track([60.0, 60.001, 60.0], [10.0, 10.0, 10.001]))
    assert local.row(0)[3:] == (0.0, 0.0)
    assert np.allclose(local["north_m"], [0.0, 111.2, 0.0], atol=0.05)
    assert np.allclose(local["east_m"], [0.0, 0.0, 55.6], atol=0.05)


def test_positions_keep_no_coordinates() -> None:
    """No latitude or longitude leaves the projection."""
    assert set(queries.local_positions(_track([60.0], [10.0])).columns) == {
        "elapsed_s",
        "distance_m",
        "terrain",
        "east_m",
        "north_m",
    }


def test_positions_cross_the_date_line() -> None:
    """A step over 180 degrees is a step of metres, not round the world."""
    local = queries.local_positions(_track([0.0, 0.0], [179.9995, -179.9995]))
    assert abs(local["east_m"][1] - 111.2) < 0.05


@given(st.floats(-70, 70), st.floats(-180, 180), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_positions_agree_with_the_great_circle(lat: float, lon: float, up: float, right: float) -> None:
    """Within a few kilometres the flat distance is the haversine distance to 0.3 % and 0.2 m."""
    local = queries.local_positions(_track([lat, lat + up], [lon, lon + right]))
    flat = np.hypot(local["east_m"][1], local["north_m"][1])
    a, b = np.radians(lat), np.radians(lat + up)
    h = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(right) / 2) ** 2
    assert abs(flat - 2 * queries.EARTH_RADIUS_M * np.arcsin(np.sqrt(h))) <= 0.003 * flat + 0.2


def _running(cadence: np.ndarray, terrain: list[str]) -> pl.DataFrame:
    n = len(cadence)
    return pl.DataFrame(
        {
            "elapsed_s": range(n),
            "distance_m": np.arange(n) * 3.0,
            "cadence_spm": cadence,
            "cadence_flag": ["ok"] * n,
            "gait": ["run"] * n,
            "terrain": terrain,
        }
    )


def test_windowed_variability_by_hand() -> None:
    """Cadence in turns 5 below and 5 above 170 has an SD of 5 about its mean: 2.9 % of 170."""
    cadence = 170 + 5.0 * (-1) ** np.arange(200)
    windows = queries.windowed_variability(_running(cadence, ["smooth"] * 200))
    assert windows.height == 10
    assert np.allclose(windows["value"].to_numpy()[2:-2], 5 / 170, rtol=0.04)


def test_windows_do_not_cross_a_border_of_ground() -> None:
    """Thirty seconds of one ground hold one window of 20 s, whatever follows."""
    windows = queries.windowed_variability(_running(np.full(60, 170.0), ["smooth"] * 30 + ["technical"] * 30))
    assert windows["terrain"].to_list() == ["smooth", "technical"]
    assert windows["elapsed_s"].to_list() == [9.5, 39.5]


def test_windows_need_usable_cadence() -> None:
    """A window with three unusable seconds is not drawn."""
    track = _running(np.full(40, 170.0), ["smooth"] * 40)
    spoilt = track.with_columns(
        pl.when(pl.col("elapsed_s") < 3).then(pl.lit("spike")).otherwise("cadence_flag").alias("cadence_flag")
    )
    assert queries.windowed_variability(spoilt)["elapsed_s"].to_list() == [29.5]


def test_device_breaks_name_the_new_watch() -> None:
    """The first of three runs with another device is a break; the same device with other firmware says so."""
    epochs = ["a1"] * 3 + ["a2"] * 3 + ["b"] * 3
    days = range(1, len(epochs) + 1)
    runs = pl.DataFrame(
        {
            "start_time": [datetime(2026, 1, d, tzinfo=UTC) for d in days],
            "local_date": [date(2026, 1, d) for d in days],
            "device": [epoch[0].upper() for epoch in epochs],
            "device_epoch": epochs,
        }
    )
    breaks = queries.device_breaks(runs)
    assert breaks.rows() == [(date(2026, 1, 4), "watch settings changed"), (date(2026, 1, 7), "new watch: B")]


def test_a_borrowed_watch_is_no_break() -> None:
    """Two runs on another watch, between many on the usual one, draw no line."""
    epochs = ["a"] * 4 + ["b"] * 2 + ["a"] * 4
    days = range(1, len(epochs) + 1)
    runs = pl.DataFrame(
        {
            "start_time": [datetime(2026, 1, d, tzinfo=UTC) for d in days],
            "local_date": [date(2026, 1, d) for d in days],
            "device": epochs,
            "device_epoch": epochs,
        }
    )
    assert queries.device_breaks(runs).is_empty()


def test_trend_holds_the_headline_metric_alone(workspace: FakeWorkspace) -> None:
    """Each run has one row a ground: the metric over all directions, oldest first."""
    trend = queries.trend_runs(workspace, "maya")
    assert trend.height == 2 * workspace.load_runs("maya").height
    assert trend.select("run_id", "terrain").is_unique().all()
    assert trend["start_time"].is_sorted()


def test_weekly_minutes_add_up_to_the_log(workspace: FakeWorkspace) -> None:
    """No minute of the log is lost, in weeks that begin on a Monday."""
    weeks = queries.weekly_balance(workspace, "maya")
    assert weeks["minutes"].sum() == workspace.load_balance_sessions("maya")["minutes"].sum()
    assert set(weeks["week"].dt.weekday()) == {1}


def test_the_answer_is_read_not_computed(workspace: FakeWorkspace) -> None:
    """Headline and checks are the stored rows, the checks in a fixed order."""
    answer = queries.load_answer(workspace, "maya")
    assert answer.headline is not None
    assert answer.headline["estimate"] == -0.09
    assert answer.robustness["outcome"].to_list() == ["difference", "cubic time", "technical alone", "smooth"]


def test_no_answer_without_a_stored_one(workspace: FakeWorkspace) -> None:
    """An athlete with runs but no effects has no headline and no estimate."""
    answer = queries.load_answer(workspace, "new runner/2")
    assert (answer.headline, answer.has_estimate, answer.n_runs) == (None, False, 6)


def test_neighbours_follow_time(workspace: FakeWorkspace) -> None:
    """The first run has nothing before it, and the next of the first is the second."""
    ids = workspace.load_runs("maya").sort("start_time")["run_id"].to_list()
    first = queries.find_run(workspace, ids[0])
    assert first is not None
    assert queries.neighbours(workspace, first) == (None, ids[1])


def test_a_missing_run_is_none(workspace: FakeWorkspace) -> None:
    """A run that is not there is told apart from an error."""
    assert queries.find_run(workspace, "../../etc/passwd") is None


def test_terrain_split_counts_by_hand(workspace: FakeWorkspace, run_id: str) -> None:
    """Twelve stretches of 860 m, four of them technical: 3.44 km."""
    split = workspace.load_grounds(run_id)
    technical = split.filter(pl.col("terrain") == "technical").row(0, named=True)
    assert technical["distance_m"] == 4 * 860.0
    assert technical["moving_s"] == 1200
    assert 0.99 < technical["usable"] <= 1


def test_hover_path_stays_small_and_ordered(workspace: FakeWorkspace, run_id: str) -> None:
    """The path for the dot has at most 4,000 points, its distance never falls."""
    path = queries.hover_path(queries.local_positions(workspace.load_track(run_id)))
    assert len(path["distance_km"]) <= 4000
    assert path["distance_km"] == sorted(path["distance_km"])


def test_hover_path_of_a_run_without_positions_is_empty() -> None:
    """No positions, no path."""
    empty = queries.local_positions(
        _track([], []).with_columns(pl.col("lat_deg", "lon_deg").cast(pl.Float64))
    )
    assert queries.hover_path(empty) == {"distance_km": [], "east_m": [], "north_m": []}


def test_data_quality_counts_every_reason(workspace: FakeWorkspace) -> None:
    """The reasons for not counting carry how many runs each concerns."""
    facts = dict(queries.data_quality(workspace, "maya"))
    left_out = workspace.load_runs("maya").filter(~pl.col("counts")).height
    assert facts["Runs that do not count"] == f"less than 4 minutes on technical ground ({left_out})"
    assert facts["Files"].startswith("122 seen: 118 runs")
