"""The same stretch over time, early and late, walking and running dynamics, as the pages show them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest
from fake_workspace import FakeWorkspace
from scipy.stats import ttest_1samp

from dashboard import like_for_like, metrics
from dashboard.charts import like_for_like as charts
from dashboard.like_for_like import AgainstUsual, against_usual, passes, shared_with, stretch_names
from dashboard.theme import DARK, LIGHT


def a_pass(stretch: int, run: int, cadence_cv: float, **more: Any) -> dict[str, Any]:
    """A pass of a stretch by a run, each run on a day of its own."""
    return {
        "stretch_id": f"s{stretch}",
        "run_id": f"r{run}",
        "start_time": datetime(2026, 1, 1 + run, tzinfo=UTC),
        "local_date": date(2026, 1, 1 + run),
        "start_s": 100.0 * stretch,
        "start_m": 600.0 * stretch,
        "end_m": 600.0 * stretch + 500,
        "terrain": "smooth",
        "cadence_cv": cadence_cv,
        "low": None,
        "high": None,
        "n_windows": 8,
        "device_epoch": "watch",
    } | more


def change(value: float, low: float | None, high: float | None, terrain: str = "technical") -> dict[str, Any]:
    """A row of the change from early to late."""
    row = {"terrain": terrain, "direction": "all", "metric": "cadence_cv_late_change"}
    return row | {"value": value, "low": low, "high": high}


def test_against_the_others_by_hand() -> None:
    """A tenth above the others' geometric mean on each of three stretches is 10 % less steady."""
    levels = {0: 0.02, 1: 0.03, 2: 0.04}
    rows = [
        a_pass(k, run, v * (1.1 if run == 9 else 1.0)) for k, v in levels.items() for run in (0, 1, 2, 3, 9)
    ]
    found = against_usual(shared_with(pl.DataFrame(rows), "r9"))
    assert found is not None
    assert (found.change, found.n_stretches) == (pytest.approx(0.1), 3)


def test_the_interval_is_that_of_t() -> None:
    """Over stretches that differ, the interval is the t interval of the mean difference."""
    d = np.log([1.1, 0.9, 1.3, 1.2])
    rows = [
        a_pass(k, run, 0.02 * (np.exp(x) if run == 9 else 1.0))
        for k, x in enumerate(d)
        for run in (0, 1, 2, 3, 9)
    ]
    found = against_usual(shared_with(pl.DataFrame(rows), "r9"))
    expected = np.expm1(ttest_1samp(d, 0).confidence_interval())
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(expected[0]), pytest.approx(expected[1]))


def test_another_watch_is_no_comparison() -> None:
    """Passes by another watch are not beside those of this run; with too few left there is no row."""
    rows = [a_pass(0, run, 0.02, device_epoch="old" if run < 3 else "new") for run in range(6)]
    assert shared_with(pl.DataFrame(rows), "r5").is_empty()
    rows += [a_pass(0, run, 0.02, device_epoch="new") for run in (6, 7)]
    assert set(shared_with(pl.DataFrame(rows), "r5")["device_epoch"]) == {"new"}


def test_too_few_stretches_say_nothing_together() -> None:
    """Two shared stretches are shown, and not summed up."""
    rows = [a_pass(k, run, 0.02 + 0.001 * run) for k in (0, 1) for run in range(6)]
    shared = shared_with(pl.DataFrame(rows), "r5")
    assert shared["stretch_id"].n_unique() == 2
    assert against_usual(shared) is None
    assert metrics.usual_sentence(None).startswith("Too few stretches")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            AgainstUsual(-0.12, -0.20, -0.03, 9),
            "On 9 stretches cadence was 12\u00a0% steadier than usual there",
        ),
        (AgainstUsual(0.05, -0.02, 0.13, 4), "On 4 stretches cadence was about as steady as usual there"),
    ],
)
def test_the_sentence_against_the_usual(found: AgainstUsual, said: str) -> None:
    """A difference is told where the interval leaves none out, and its interval always."""
    assert metrics.usual_sentence(found).startswith(said)
    assert "95\u00a0% interval" in metrics.usual_sentence(found)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([change(0.2, 0.05, 0.4)], "On technical ground cadence was 20\u00a0% less steady late than early"),
        ([change(-0.1, -0.3, 0.2)], "On technical ground no difference between early and late can be told"),
        ([change(0.2, None, None)], "Too little of the same ground and slope"),
        ([], "Too little of the same ground and slope"),
    ],
)
def test_early_and_late_in_words(rows: list[dict[str, Any]], said: str) -> None:
    """Late is called less steady or steadier only where the interval says so."""
    schema = {"terrain": pl.String, "direction": pl.String, "metric": pl.String}
    frame = pl.DataFrame(rows, schema=schema | dict.fromkeys(("value", "low", "high"), pl.Float64))
    assert metrics.late_sentence(frame).startswith(said)


def test_dynamics_stand_where_they_were_recorded() -> None:
    """A metric that neither ground has makes no row; one that a single ground has leaves the other open."""
    stance = change(0.03, 0.02, 0.04) | {"metric": "stance_time_cv"}
    table = metrics.metrics_table(pl.DataFrame([stance]))
    assert table.rows() == [("Variability of stance time", "–", "3.0\u00a0% (2.0 to 4.0\u00a0%)")]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_charts_hold_every_pass(workspace: FakeWorkspace, run_id: str, theme: Any) -> None:
    """Beside the others and over time, each pass is one mark, with an interval where it has one."""
    every = passes(workspace, "maya")
    shared = shared_with(every, run_id)
    beside = charts.beside_others(shared, theme)
    assert sum(len(trace.x) for trace in beside.data) == shared.height
    one = every.filter(pl.col("stretch_id") == "stretch1")
    over = charts.over_time(
        one,
        pl.DataFrame({"local_date": [], "words": []}, schema={"local_date": pl.Date, "words": pl.String}),
        theme,
    )
    assert sum(len(trace.x) for trace in over.data) == one.height
    assert {trace.marker.symbol for trace in over.data} == {"diamond", "circle"}


def test_no_pass_is_an_empty_chart() -> None:
    """Without passes the charts stand empty and do not fail."""
    nothing = pl.DataFrame([a_pass(0, 0, 0.02)]).clear().with_columns(where=pl.lit(""), mine=pl.lit(True))
    breaks = pl.DataFrame(schema={"local_date": pl.Date, "words": pl.String})
    for figure in (charts.beside_others(nothing), charts.over_time(nothing, breaks)):
        assert isinstance(figure, go.Figure)


def test_stretches_are_named_by_how_often_they_were_run(workspace: FakeWorkspace) -> None:
    """The stretch of most runs comes first, and its name says ground, grade, runs and where it lies."""
    names = stretch_names(passes(workspace, "maya"))
    runs = [int(name.split("\u00a0run")[0].split()[-1]) for name in names.values()]
    assert runs == sorted(runs, reverse=True)
    assert all(name.startswith(("Technical, grade", "Smooth, grade")) for name in names.values())


def test_passes_of_few_windows_are_left_out(workspace: FakeWorkspace) -> None:
    """A pass of under three windows says too little to be drawn."""
    assert like_for_like.passes(workspace, "maya")["n_windows"].min() >= like_for_like.MIN_WINDOWS
