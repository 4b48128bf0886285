"""Every chart of every page can be saved, as a picture and as its data."""

from typing import Any

import pytest
from dash import dcc, html
from fake_workspace import FakeWorkspace

from dashboard.app import PAGES, build_app

HOST = {"Host": "127.0.0.1:8050"}


def parts(node: Any) -> list[Any]:
    """A component and all within it."""
    inside = getattr(node, "children", None)
    listed = inside if isinstance(inside, list | tuple) else [inside]
    return [node, *(part for child in listed if hasattr(child, "to_plotly_json") for part in parts(child))]


def layouts(run_id: str) -> dict[str, Any]:
    """The layout of every page of maya's, by its title."""
    made = {}
    for page in PAGES:
        wanted = page.layout.__code__.co_varnames[: page.layout.__code__.co_argcount]
        given = {"athlete_id": "maya", "run_id": run_id, "stretch_id": "stretch1"}
        made[page.TITLE] = page.layout(**{name: given[name] for name in wanted})
    return made


def boxes(layout: Any) -> list[Any]:
    """Each chart's box: the innermost element that holds the chart and its links."""
    holders = [
        part
        for part in parts(layout)
        if any(isinstance(inner, dcc.Graph) for inner in parts(part))
        and any(getattr(inner, "className", "") == "saves" for inner in parts(part))
    ]
    return [box for box in holders if not any(other in parts(box)[1:] for other in holders)]


def test_every_chart_has_a_box(run_id: str) -> None:
    """As many boxes as charts, of which the pages have a dozen."""
    charts = [
        part for page in layouts(run_id).values() for part in parts(page) if isinstance(part, dcc.Graph)
    ]
    found = [box for page in layouts(run_id).values() for box in boxes(page)]
    assert len(found) == len(charts) >= 11


def test_every_chart_is_saved_as_picture_and_data(workspace: FakeWorkspace, run_id: str) -> None:
    """PNG and SVG of that very chart, and CSV that the server has; all are named for screen readers."""
    client = build_app(workspace).server.test_client()
    for page in layouts(run_id).values():
        for box in boxes(page):
            (chart,) = [part.id for part in parts(box) if isinstance(part, dcc.Graph)]
            buttons = [part for part in parts(box) if isinstance(part, html.Button)]
            saved = {
                getattr(b, "data-format"): getattr(b, "data-chart")
                for b in buttons
                if hasattr(b, "data-format")
            }
            assert saved == {"png": chart, "svg": chart}
            links = [part for part in parts(box) if isinstance(part, html.A)]
            assert links, chart
            for link in links:
                answered = client.get(link.href, headers=HOST)
                assert (answered.status_code, answered.mimetype) == (200, "text/csv"), link.href
            assert all(getattr(part, "aria-label") for part in (*buttons, *links))


@pytest.mark.parametrize("name", ["runs", "roster", "segments"])
def test_tables_are_saved_as_well(workspace: FakeWorkspace, run_id: str, name: str) -> None:
    """The tables of runs, of the roster and of a run's stretches come as CSV, a row each."""
    of = {"runs": "?athlete=maya", "roster": "", "segments": f"?run={run_id}"}[name]
    answered = build_app(workspace).server.test_client().get(f"/_data/{name}.csv{of}", headers=HOST)
    assert answered.text.count("\n") > 2
