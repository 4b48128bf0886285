"""Pieces that pages share: cards, charts with a label and a data table, commands to type."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import plotly.graph_objects as go
import polars as pl
from dash import ClientsideFunction, Dash, Input, State, dcc, html

from dashboard.tables import RIGHT_ALIGNED
from dashboard.theme import LIGHT

GRAPH_CONFIG: Any = {
    "displayModeBar": False,
    "displaylogo": False,
    "responsive": True,
    "scrollZoom": False,
    "doubleClick": False,
    "plotlyServerURL": "",
    "topojsonURL": "",
}
ASSETS = Path(__file__).parent / "assets"
DECORATION: dict[str, Any] = {"aria-hidden": "true"}
ACCOUNT_URL = "/account"
EMPTY_FIGURE = go.Figure(
    layout={
        "template": LIGHT.template,
        "xaxis": {"visible": False, "range": [0, 1]},
        "yaxis": {"visible": False, "range": [0, 1]},
    }
)


def answer_url(athlete_id: str) -> str:
    """Address of an athlete's answer."""
    return f"/athlete/{quote(athlete_id, safe='')}"


def runs_url(athlete_id: str) -> str:
    """Address of an athlete's list of runs."""
    return f"{answer_url(athlete_id)}/runs"


def balance_url(athlete_id: str) -> str:
    """Address of an athlete's balance log."""
    return f"{answer_url(athlete_id)}/balance"


def upload_url(athlete_id: str | None) -> str:
    """Address where recordings are uploaded, of an athlete or of one to be named."""
    return f"{answer_url(athlete_id)}/upload" if athlete_id else "/upload"


def stretches_url(athlete_id: str, stretch_id: str = "") -> str:
    """Address of an athlete's stretches, or of one of them."""
    return f"{answer_url(athlete_id)}/stretches" + (f"/{quote(stretch_id, safe='')}" if stretch_id else "")


def plan_url(athlete_id: str) -> str:
    """Address of an athlete's plans."""
    return f"{answer_url(athlete_id)}/plan"


def settings_url(athlete_id: str) -> str:
    """Address of an athlete's settings."""
    return f"{answer_url(athlete_id)}/settings"


def run_url(run_id: str) -> str:
    """Address of a run."""
    return f"/run/{quote(run_id, safe='')}"


@cache
def asset_url(name: str) -> str:
    """Address of a file of assets with its time in it, so that a browser keeps it (dashboard.guard)."""
    return f"/assets/{name}?m={(ASSETS / name).stat().st_mtime:.0f}"


def icon(name: str) -> html.Span:
    """A picture from assets/icons in the colour of the text."""
    return html.Span(
        className="icon", style={"--icon": f"url({asset_url(f'icons/{name}.svg')})"}, **DECORATION
    )


def card(title: str, *children: Any, sub: Any = None) -> html.Section:
    """A titled box."""
    head = [html.H2(title)] + ([html.P(sub, className="sub")] if sub else [])
    return html.Section([html.Div(head, className="card-head"), *children], className="card")


def roster_url(group: str = "") -> str:
    """Address of the roster, or of one group of it."""
    return "/roster" + (f"?{urlencode({'group': group})}" if group else "")


def data_url(name: str, **of: str) -> str:
    """Address of a chart's data as CSV (dashboard.data_routes), of an `athlete`, a `run` or a `group`."""
    return f"/_data/{name}.csv?{urlencode(of)}"


def figure_box(
    graph_id: str,
    label: str,
    height_px: int,
    data: Mapping[str, str],
    figure: go.Figure = EMPTY_FIGURE,
    tables: list[dict[str, Any]] | None = None,
) -> html.Div:
    """A chart, named for those who cannot see it, its table and its files; empty for a callback to fill.

    `data` are the addresses of its CSV by the name that the link has, `tables` what `table_data` gives.
    """
    graph = dcc.Graph(id=graph_id, figure=figure, config=GRAPH_CONFIG, style={"height": height_px})
    pictures = []
    for kind in ("png", "svg"):
        of_chart: dict[str, Any] = {"data-chart": graph_id, "data-format": kind}
        label_of_file = named(f"Save the picture as {kind.upper()}: {label}")
        pictures.append(html.Button(kind.upper(), className="save", **of_chart, **label_of_file))
    files = [
        html.A(
            name,
            id=f"{graph_id}-{name.lower().replace(' ', '-')}",
            href=href,
            download="",
            className="save",
            **named(f"Save the data as {name}: {label}"),
        )
        for name, href in data.items()
    ]
    return html.Div(
        [
            html.Div(graph, role="figure", **named(label)),
            html.Div(
                [
                    html.Details(
                        [
                            html.Summary("The same as a table"),
                            table_slot(f"{graph_id}-table", f"{label}, as a table", tables),
                        ]
                    ),
                    html.P(["Save: ", *pictures, *files], className="saves"),
                ],
                className="under",
            ),
        ]
    )


def in_browser(app: Dash, function: str, *dependencies: Any, **settings: Any) -> None:
    """Register a function of assets/app.js as a callback that never reaches the server."""
    call: Any = app.clientside_callback
    call(ClientsideFunction("surefoot", function), *dependencies, **settings)


def named(label: str) -> dict[str, Any]:
    """The name of an element for those who cannot see it."""
    return {"aria-label": label}


def table_slot(slot_id: str, label: str, tables: list[dict[str, Any]] | None = None) -> html.Div:
    """A place for tables, or for those that a callback puts into the store `table_rows(slot_id)`.

    The browser makes the rows itself (assets/app.js): as Dash components, a season's rows take minutes.
    """
    return html.Div(
        [
            dcc.Store(id=table_rows(slot_id), data=tables),
            html.Div(id=slot_id, className="scroll", tabIndex="0", role="region", **named(label)),
        ]
    )


def table_rows(slot_id: str) -> str:
    """The id of the store that holds a slot's tables."""
    return f"{slot_id}-rows"


def table_data(*frames: pl.DataFrame, none: str = "Nothing to list.") -> list[dict[str, Any]]:
    """Frames of texts as a slot's store wants them; `none` is said in place of one without rows."""
    return [
        {
            "columns": frame.columns,
            "right": [name in RIGHT_ALIGNED for name in frame.columns],
            "rows": [list(row) for row in frame.iter_rows()],
            "none": none,
        }
        for frame in frames
    ]


def register_tables(app: Dash, *slot_ids: str) -> None:
    """Let the browser draw what comes into the slots' stores, which are all of one page."""
    stores = [Input(table_rows(slot_id), "data") for slot_id in slot_ids]
    in_browser(app, "fillTables", *stores, *(State(slot_id, "id") for slot_id in slot_ids))


def mark(terrain: str) -> html.Span:
    """The small sign of a terrain beside its name: a diamond or a circle."""
    return html.Span(className=f"mark {terrain}", **DECORATION)


def terrain_key() -> html.P:
    """What the two signs mean."""
    return html.P(
        [html.Span([mark("technical"), "technical"]), html.Span([mark("smooth"), "smooth"])], className="key"
    )


def figure_tile(label: Any, value: str, note: str) -> html.Div:
    """A number with its name above and what it rests on below."""
    return html.Div(
        [
            html.Div(label, className="label"),
            html.Div(value, className="value"),
            html.Div(note, className="note"),
        ],
        className="card tile",
    )


def command(*lines: str) -> html.Pre:
    """Commands to type, one a line."""
    return html.Pre(html.Code("\n".join(lines)), className="command", tabIndex="0")


def notice(title: str, *children: Any, picture: str = "target") -> html.Div:
    """A whole page's worth of words where there is nothing to draw; `picture` is one of assets/icons."""
    return html.Div(
        [html.Div(icon(picture), className="sign"), html.H1(title), *children], className="notice card"
    )
