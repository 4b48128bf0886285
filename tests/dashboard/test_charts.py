"""Charts by the data they draw."""

import json
from datetime import date

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest
from fake_workspace import HOSTILE, FakeWorkspace

from dashboard import queries, tables, theme
from dashboard.charts.dose_response import dose_response
from dashboard.charts.half_lives import half_lives
from dashboard.charts.interval import interval
from dashboard.charts.profile import N_POINTS, profile, rows_of
from dashboard.charts.residuals import leftover, residuals
from dashboard.charts.stretches import stretches
from dashboard.charts.track_map import track_map
from dashboard.charts.trend import trend


def _named(figure: go.Figure, name: str) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.name == name]


def _finite(values: object) -> np.ndarray:
    texts = np.array([np.nan if value is None else value for value in values], dtype=float)  # type: ignore[attr-defined]
    return texts[np.isfinite(texts)]


def _trend(workspace: FakeWorkspace, athlete_id: str, last_weeks: int | None = None) -> go.Figure:
    return trend(
        queries.trend_runs(workspace, athlete_id),
        queries.weekly_balance(workspace, athlete_id),
        queries.device_breaks(workspace.load_runs(athlete_id)),
        queries.usual_ranges(workspace, athlete_id),
        queries.unmeasured_runs(workspace, athlete_id),
        last_weeks=last_weeks,
    )


@pytest.fixture(scope="module")
def season(workspace: FakeWorkspace) -> go.Figure:
    """The trend chart of a season with a new watch."""
    return _trend(workspace, "maya")


def test_trend_draws_every_run_once_a_ground(season: go.Figure, workspace: FakeWorkspace) -> None:
    """Full and hollow marks together are the runs, and the hollow ones are those that do not count."""
    runs = workspace.load_runs("maya")
    for terrain in ("technical", "smooth"):
        (full,), (hollow,) = (
            _named(season, f"{terrain} run"),
            _named(season, f"{terrain} run, does not count"),
        )
        assert len(full.x) + len(hollow.x) == runs.height
        assert len(hollow.x) == runs.filter(~pl.col("counts")).height
        assert hollow.marker.symbol.endswith("-open")


def test_trend_shows_per_cent_with_its_interval(season: go.Figure, workspace: FakeWorkspace) -> None:
    """A mark stands at 100 times the stored fraction, its bars reach the stored ends."""
    rows = queries.trend_runs(workspace, "maya").filter(pl.col("counts") & (pl.col("terrain") == "smooth"))
    (marks,) = _named(season, "smooth run")
    assert np.allclose(marks.y, 100 * rows["value"])
    assert np.allclose(marks.y + marks.error_y.array, 100 * rows["high"])
    assert np.allclose(marks.y - marks.error_y.arrayminus, 100 * rows["low"])


def test_trend_lines_do_not_cross_a_change_of_watch(season: go.Figure) -> None:
    """One line a watch and ground; none spans the day of the new watch."""
    change = str(season.layout.shapes[0].x0)[:10]
    lines = _named(season, "technical line")
    assert len(lines) == 2
    assert max(lines[0].x) < change <= min(lines[1].x)


def test_trend_says_what_the_dotted_line_is(season: go.Figure) -> None:
    """The break carries words, and both lines are named where they end."""
    texts = " ".join(note.text for note in season.layout.annotations)
    assert "new watch: Example Watch 2" in texts
    assert "<b>Technical</b>" in texts
    assert "<b>Smooth</b>" in texts


def test_trend_bars_hold_the_whole_log(season: go.Figure, workspace: FakeWorkspace) -> None:
    """The bars add up to the minutes of the log."""
    minutes = sum(float(np.sum(trace.y)) for trace in season.data if trace.type == "bar")
    assert minutes == workspace.load_balance_sessions("maya")["minutes"].sum()


def test_trend_needs_no_log(workspace: FakeWorkspace) -> None:
    """Without balance work the runs have the whole height and no bars are drawn."""
    figure = _trend(workspace, "new runner/2")
    assert not [trace for trace in figure.data if trace.type == "bar"]
    assert figure.layout.yaxis.domain == (0, 1)


def test_trend_of_nothing_is_an_empty_chart(workspace: FakeWorkspace) -> None:
    """No runs and no log still make a figure."""
    frames = (
        queries.trend_runs(workspace, "maya"),
        queries.weekly_balance(workspace, "maya"),
        queries.device_breaks(workspace.load_runs("maya").clear()),
        queries.usual_ranges(workspace, "maya"),
        queries.unmeasured_runs(workspace, "maya"),
    )
    figure = trend(*(frame.clear() for frame in frames))
    assert sum(len(trace.x) for trace in figure.data) == 0


def test_trend_escapes_names_from_files() -> None:
    """A device's name cannot become markup in an annotation."""
    breaks = pl.DataFrame({"local_date": [date(2026, 1, 1)], "words": [HOSTILE]})
    empty = FakeWorkspace()
    figure = trend(
        queries.trend_runs(empty, "maya"),
        queries.weekly_balance(empty, "maya"),
        breaks,
        queries.usual_ranges(empty, "maya"),
        pl.DataFrame({"local_date": [date(2026, 1, 1)], "counts_reason": [HOSTILE]}),
        theme.DARK,
    )
    (cross,) = _named(figure, "run without a value")
    assert "<img" not in cross.text[0]
    assert not any("<img" in note.text for note in figure.layout.annotations)


def test_trend_marks_the_usual_range(season: go.Figure, workspace: FakeWorkspace) -> None:
    """Dashed lines stand at both ends of the athlete's own range, over the 8 weeks before the latest run."""
    for row in queries.usual_ranges(workspace, "maya").iter_rows(named=True):
        (line,) = _named(season, f"usual range, {row['terrain']}")
        assert np.allclose(_finite(line.y), 100 * np.repeat([row["low"], row["high"]], 2))
        assert line.x[1] == row["local_date"]
        assert (line.x[1] - line.x[0]).days == 56
        assert line.line.dash == "dash"


def test_trend_tells_why_a_run_does_not_count(season: go.Figure) -> None:
    """The hollow mark says the reason when it is pointed at."""
    (hollow,) = _named(season, "technical run, does not count")
    assert "less than 4 minutes on technical ground" in hollow.text[0]


def test_trend_marks_runs_without_a_value(workspace: FakeWorkspace) -> None:
    """A run that could not be measured is a cross on the axis with its reason, not a gap."""
    runs = queries.trend_runs(workspace, "maya")
    day = runs["local_date"][0]
    figure = trend(
        runs.filter(pl.col("local_date") > day),
        queries.weekly_balance(workspace, "maya"),
        queries.device_breaks(workspace.load_runs("maya")),
        queries.usual_ranges(workspace, "maya"),
        pl.DataFrame({"local_date": [day], "counts_reason": ["no cadence was recorded"]}),
    )
    (cross,) = _named(figure, "run without a value")
    assert (cross.x, cross.y, cross.marker.symbol) == ((f"{day}",), (0.0,), "x-thin")
    assert "no cadence was recorded" in cross.text[0]


def test_trend_of_the_last_weeks(season: go.Figure, workspace: FakeWorkspace) -> None:
    """A shorter period moves the time axis and nothing else: no figure depends on what is shown."""
    short = _trend(workspace, "maya", last_weeks=12)
    first, last = short.layout.xaxis.range
    assert (last - first).days == 12 * 7 + 14
    assert last == season.layout.xaxis.range[1]
    for now, before in zip(short.data, season.data, strict=True):
        assert np.array_equal(_finite(now.y), _finite(before.y))


def test_profile_leaves_unusable_cadence_out(workspace: FakeWorkspace, run_id: str) -> None:
    """Missing and spiked seconds are not drawn, and the gap is not bridged."""
    track = workspace.load_track(run_id)
    figure = profile(track, queries.windowed_variability(track))
    (cadence,) = _named(figure, "cadence")
    hole = track.filter(pl.col("cadence_flag") == "missing")["distance_m"]
    inside = [y for x, y in zip(cadence.x, cadence.y, strict=True) if hole.min() <= 1000 * x <= hole.max()]  # type: ignore[operator]
    assert np.isnan(inside).all()
    assert np.isnan(cadence.y).any()
    assert cadence.connectgaps is not True


def test_profile_is_thinned_and_keeps_its_peaks(workspace: FakeWorkspace, run_id: str) -> None:
    """Long lines come down to about 2,500 points with the highest and lowest still there."""
    track = workspace.load_track(run_id)
    (altitude,) = _named(profile(track, queries.windowed_variability(track)), "altitude")
    shown = _finite(altitude.y)
    assert len(shown) <= N_POINTS + 10
    assert shown.max() == round(track["altitude_m"].max())  # type: ignore[arg-type]
    assert shown.min() == round(track["altitude_m"].min())  # type: ignore[arg-type]


def test_a_part_of_the_profile_is_drawn_second_by_second(workspace: FakeWorkspace, run_id: str) -> None:
    """Between 2 and 3 km every second's altitude is there as it was recorded, and nothing from elsewhere."""
    track = workspace.load_track(run_id)
    figure = profile(track, queries.windowed_variability(track), part_km=(2.0, 3.0))
    inside = track.filter(pl.col("distance_m").is_between(2000, 3000))
    assert 100 < inside.height < N_POINTS
    assert _finite(figure.data[0].y).tolist() == inside["altitude_m"].round(0).to_list()
    assert all(2 <= x <= 3 for trace in figure.data for x in _finite(trace.x))


def test_profile_shades_technical_ground(workspace: FakeWorkspace, run_id: str) -> None:
    """One band per technical stretch, all in one shape, and windows carry the ground's colour."""
    track = workspace.load_track(run_id)
    figure = profile(track, queries.windowed_variability(track), theme.DARK)
    n_technical = sum(label == "technical" for label, _, _ in stretches(track["terrain"]))
    (shape,) = figure.layout.shapes
    assert shape.path.count("M") == shape.path.count("Z") == n_technical
    assert _named(figure, "technical")[0].line.color == theme.DARK.technical


def test_profile_of_a_run_without_distance_is_empty(workspace: FakeWorkspace, run_id: str) -> None:
    """Without a distance there is nothing to draw against, and no error."""
    track = workspace.load_track(run_id).with_columns(pl.lit(None, pl.Float64).alias("distance_m"))
    windows = queries.windowed_variability(track)
    assert rows_of(track, windows) == []
    assert profile(track, windows).data == ()


@pytest.mark.parametrize(
    ("missing", "drawn", "axes"),
    [
        ({"altitude_m": None}, ["cadence", "variability"], ("y2", "y3")),
        ({"cadence_flag": "missing"}, ["altitude"], ("y",)),
        ({"altitude_m": None, "cadence_flag": "missing"}, [], ()),
    ],
)
def test_profile_has_a_row_for_what_was_recorded(
    missing: dict[str, str | None],
    drawn: list[str],
    axes: tuple[str, ...],
    workspace: FakeWorkspace,
    run_id: str,
) -> None:
    """Without altitude, cadence stands at the top of a lower chart, and no axis is without a line."""
    track = workspace.load_track(run_id)
    track = track.with_columns(
        pl.lit(value, track.schema[name]).alias(name) for name, value in missing.items()
    )
    windows = queries.windowed_variability(track)
    figure = profile(track, windows)
    assert rows_of(track, windows) == drawn
    assert {trace.yaxis or "y" for trace in figure.data} == set(axes)
    assert all(len(_finite(trace.y)) > 0 for trace in figure.data)
    tops = [figure.layout[axis.replace("y", "yaxis")].domain[1] for axis in axes]
    assert tops == sorted(tops, reverse=True)
    assert tops[:1] == [1.0] * bool(axes)
    assert figure.layout.height == 48 + 144 * len(axes)


def test_a_part_has_the_rows_of_the_whole(workspace: FakeWorkspace, run_id: str) -> None:
    """Closer on a part that has no altitude, cadence stays where it was."""
    track = workspace.load_track(run_id)
    height = pl.when(pl.col("distance_m") > 3000).then("altitude_m")
    track = track.with_columns(height.alias("altitude_m"))
    windows = queries.windowed_variability(track)
    whole, part = profile(track, windows), profile(track, windows, part_km=(1.0, 2.0))
    assert part.layout.yaxis2.domain == whole.layout.yaxis2.domain


def test_map_has_equal_axes_and_no_coordinates(workspace: FakeWorkspace, run_id: str) -> None:
    """A metre is as long north as east, and no latitude is in the figure."""
    figure = track_map(queries.local_positions(workspace.load_track(run_id)))
    assert (figure.layout.yaxis.scaleanchor, figure.layout.yaxis.scaleratio) == ("x", 1)
    assert "-30.0" not in json.dumps(figure.to_plotly_json(), default=list)
    assert not [trace for trace in figure.data if trace.type != "scatter"]


def test_map_tells_ground_by_width_as_well(workspace: FakeWorkspace, run_id: str) -> None:
    """Technical is thicker than smooth, so that colour does not stand alone; the unlabelled is dotted."""
    figure = track_map(queries.local_positions(workspace.load_track(run_id)))
    assert _named(figure, "technical")[0].line.width > _named(figure, "smooth")[0].line.width
    assert _named(figure, "unlabelled")[0].line.dash == "dot"


def test_map_scale_bar_is_a_round_length(workspace: FakeWorkspace, run_id: str) -> None:
    """The bar is as long as its words say, at most 30 % of the ground."""
    figure = track_map(queries.local_positions(workspace.load_track(run_id)))
    (bar,) = _named(figure, "scale bar")
    assert max(bar.x) - min(bar.x) == pytest.approx(500)
    assert "500\u00a0m" in [note.text for note in figure.layout.annotations]


def test_interval_runs_from_steadier_to_less_steady() -> None:
    """The steadier end is on the left, zero and the 10 % band are inside the picture."""
    figure = interval(-0.09, -0.20, 0.04, 0.28)
    assert list(_named(figure, "95 % interval")[0].x) == [-20.0, 4.0]
    assert list(_named(figure, "detectable")[0].x) == pytest.approx([-28.0, 28.0])
    low, high = figure.layout.xaxis.range
    assert low < -28
    assert high > 28
    assert figure.layout.annotations[0].text.endswith("steadier")


def test_interval_without_a_detectable_change() -> None:
    """What could have been seen may be unknown."""
    assert not _named(interval(-0.5, -0.7, -0.1), "detectable")


def test_half_lives_stand_below_each_other() -> None:
    """Each half-life has its interval, the answer's is named so, and the table says the same."""
    varied = pl.DataFrame(
        {
            "half_life_days": [10.0, 21.0],
            "estimate": [-0.1, -0.2],
            "low": [-0.3, -0.35],
            "high": [0.05, -0.05],
            "p": [0.2, 0.004],
        }
    )
    figure = half_lives(varied, 21.0)
    (marks,) = figure.data
    assert (marks.x, marks.y) == ((-10.0, -20.0), (0, 1))
    assert marks.x[0] + marks.error_x.array[0] == pytest.approx(5)
    assert marks.x[1] - marks.error_x.arrayminus[1] == pytest.approx(-35)
    assert figure.layout.yaxis.ticktext == ("10 days", "21 days, the answer’s")
    assert (
        " ".join(tables.half_lives_table(varied).row(1))
        == "21 days 20\u00a0% steadier 5 to 35\u00a0% steadier 0.004"
    )


def test_leftover_draws_one_mark_a_run() -> None:
    """What is left of dose and unsteadiness stands where it was given, in min/week and per cent."""
    points = pl.DataFrame(
        {"local_date": [date(2026, 1, 1)] * 2, "dose_left": [-3.0, 4.0], "change_left": [0.1, -0.05]}
    )
    (marks,) = leftover(points).data
    assert (marks.x, marks.y, marks.mode) == ((-3.0, 4.0), (10.0, -5.0), "markers")


def test_residuals_stand_over_time_between_two_lines() -> None:
    """A run with a residual is a mark at its day; one without is left out; the lines are at 1.96 SD."""
    days = [date(2026, 1, 1), date(2026, 1, 3)]
    figure = residuals(pl.DataFrame({"local_date": days, "residual": [1.5, None]}))
    (marks,) = figure.data
    assert (list(marks.x), list(marks.y), marks.mode) == ([days[0]], [1.5], "markers")
    assert sorted(shape.y0 for shape in figure.layout.shapes) == [-1.96, 0, 1.96]


def test_dose_response_draws_no_line(workspace: FakeWorkspace) -> None:
    """Marks alone: a fitted line would be read as the answer."""
    figure = dose_response(queries.dose_pairs(workspace, "maya"))
    assert {trace.mode for trace in figure.data} == {"markers"}
    assert sum(len(trace.x) for trace in figure.data) == workspace.load_runs("maya").height


def test_touch_scrolls_the_page_not_the_chart(season: go.Figure) -> None:
    """Dragging and zooming are off in both templates."""
    import plotly.io as pio

    for name in (theme.LIGHT.template, theme.DARK.template):
        layout = pio.templates[name].layout
        assert layout.dragmode is False
        assert layout.xaxis.fixedrange
        assert layout.yaxis.fixedrange
    assert season.layout.dragmode is None


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK])
def test_colours_clear_the_contrast_of_wcag(colours: theme.Theme) -> None:
    """Marks clear 3:1 and text clears 4.5:1 on the card (WCAG 2.2, 1.4.11 and 1.4.3)."""
    assert min(_contrast(c, colours.card) for c in (colours.technical, colours.smooth, colours.dose[0])) >= 3
    assert min(_contrast(c, colours.card) for c in (colours.ink, colours.muted)) >= 4.5
