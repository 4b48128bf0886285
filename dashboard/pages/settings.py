"""What an athlete may set, what is fixed, and what the whole workspace or this browser remembers."""

from __future__ import annotations

from typing import Any

import polars as pl
from dash import Dash, Input, Output, State, dcc, html

from dashboard import queries, setting_words
from dashboard.charts import starts
from dashboard.components import (
    EMPTY_FIGURE,
    card,
    data_url,
    figure_box,
    in_browser,
    named,
    register_tables,
    table_data,
    table_rows,
)
from dashboard.first_steps import empty_workspace, unknown_athlete
from dashboard.hosting import oneself
from dashboard.theme import by_scheme

TITLE = "Settings"
_LEDE = (
    "Each is saved as soon as it is written, and can be taken back. Units, half-life, plan and zones are "
    "this athlete's own; map tiles are the workspace's; light and dark are remembered by this browser."
)
_UNITS = (
    "Of distances, heights and paces in these pages and in the report. Tables that are saved, and the "
    "command, stay metric: their numbers carry their unit in the name."
)
_HALF_LIFE = (
    "How long balance work lasts: after so many days half of it counts. 21 days were declared before any "
    "season was looked at. Another one makes the answer again, and the answer says which it was. Choosing"
    " it after a look at the answer is no new test: of several half-lives the best one is always too "
    "good."
)
_PLAN = "What the log is held against, on the page Balance and in the advice what is next."
_GROUND = (
    "Fixed for everyone, set on real recordings, so that answers can be compared. Where the label is "
    "wrong, mark the stretch on the page of a run: that holds for every run over it."
)
_ZONES = (
    "The start, the end and any other part of a run near a place of your choosing are hidden in every "
    "view, chart, table, picture, report and export. Results such as steadiness stay those of the whole "
    "run. What is hidden is a disc about a point beside the place, drawn by lot, and the place itself is "
    "not kept; still, a short radius hides little where few people live. Your own archive and backup keep"
    " everything."
)
_TILES = (
    "None by default: tracks are drawn on plain ground, and no host is asked for anything. With an "
    "address of map tiles, whoever opens a run asks that one host for its ground, and it learns where the"
    " runs were."
)
_GROUPS = (
    "For a coach's roster, which can show one group alone. Without accounts they are this workspace's. Where "
    "people sign in they are the coach's own view: nobody else sees them, not the athlete either, and they "
    "end with the link."
)
_LOOK = "Remembered by this browser."


def layout(athlete_id: str) -> html.Div:
    """The page without data; assets/settings.js makes the fields, dashboard.setting_routes saves them."""
    return html.Div(
        [
            dcc.Store(id="settings-athlete", data=athlete_id),
            dcc.Store(id="settings-changed", data=""),
            dcc.Store(id="settings-data"),
            html.Div(id="settings-head"),
            html.Div(
                [
                    html.Div(
                        [
                            html.Button("Undo", id="settings-undo", className="button", disabled=True),
                            html.P(id="settings-said", className="said", role="status"),
                        ],
                        className="undo-line",
                    ),
                    html.Div(
                        [
                            card("Units", html.Div(id="settings-units", className="options"), sub=_UNITS),
                            card(
                                "Light and dark", html.Div(id="settings-look", className="options"), sub=_LOOK
                            ),
                        ],
                        className="pair even",
                    ),
                    card(
                        "Half-life of balance work",
                        html.Div(id="settings-half-life"),
                        html.P(id="settings-work", className="small", role="status"),
                        sub=_HALF_LIFE,
                    ),
                    card(
                        "Plan of the balance work",
                        html.Div(id="settings-plan", className="settings"),
                        sub=_PLAN,
                    ),
                    card(
                        "Technical ground",
                        _terrain(),
                        html.Div(id="settings-shared", className="settings"),
                        sub=_GROUND,
                    ),
                    html.Div(
                        card("Groups", html.Div(id="settings-groups", className="settings"), sub=_GROUPS),
                        id="settings-grouped",
                    ),
                    card("Privacy zones", *_zones(athlete_id), sub=_ZONES),
                    card(
                        "Ground under the tracks",
                        html.Div(id="settings-tiles", className="settings"),
                        sub=_TILES,
                    ),
                ],
                id="settings-body",
                className="stack",
                hidden=True,
            ),
        ],
        className="stack",
    )


def _terrain() -> html.Div:
    rows = [
        html.Tr([html.Th(what, scope="row"), html.Td(middle), html.Td(note)])
        for what, middle, note in setting_words.terrain_rows()
    ]
    head = html.Tr(
        [html.Th(text, scope="col") for text in ("Feature", "Middle of smooth and technical", "How")]
    )
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="table")
    return html.Div(
        table, className="scroll", tabIndex="0", role="region", **named("Thresholds of the ground")
    )


def _zones(athlete_id: str) -> list[Any]:
    return [
        html.Ul(id="settings-zones", className="choices"),
        html.H3("Add a zone"),
        html.Div(
            [
                html.Div(id="settings-places"),
                figure_box(
                    "settings-starts",
                    "Where runs began",
                    starts.HEIGHT_PX,
                    {"CSV": data_url("starts", athlete=athlete_id)},
                ),
            ],
            className="pair even",
        ),
    ]


def register(app: Dash, workspace: queries.Workspace) -> None:
    """Fill the page from the workspace."""
    register_tables(app, "settings-starts-table")

    @app.callback(
        Output("settings-head", "children"),
        Output("settings-body", "hidden"),
        Output("settings-data", "data"),
        Input("settings-athlete", "data"),
        Input("settings-changed", "data"),
    )
    def fill(athlete_id: str | None, changed: str | None) -> tuple[Any, bool, dict[str, Any] | None]:
        athletes = workspace.athletes()
        if athlete_id is None or athlete_id not in athletes:
            head = unknown_athlete(athlete_id or "", athletes) if athletes else empty_workspace()
            return head, True, None
        data = setting_words.page_data(workspace, athlete_id)
        return _head(athlete_id), False, data | ({"groups": None} if athlete_id == oneself() else {})

    @app.callback(
        Output("settings-starts", "figure"),
        Output(table_rows("settings-starts-table"), "data"),
        Input("settings-athlete", "data"),
        Input("settings-changed", "data"),
        Input("colours", "data"),
    )
    def draw(athlete_id: str | None, changed: str | None, scheme: str | None) -> tuple[Any, Any]:
        if athlete_id is None or athlete_id not in workspace.athletes():
            return EMPTY_FIGURE, None
        places = setting_words.start_places(workspace, athlete_id)
        told = places.select(Place="place", Runs=pl.col("runs").cast(pl.String))
        return starts.starts(places, by_scheme(scheme), queries.units_of(workspace, athlete_id)), table_data(
            told
        )

    in_browser(app, "showSettings", Input("settings-data", "data"))
    in_browser(
        app,
        "pickStart",
        Input("settings-starts", "clickData"),
        State("settings-data", "data"),
        prevent_initial_call=True,
    )


def _head(athlete_id: str) -> html.Div:
    return html.Div(
        [html.P(athlete_id, className="eyebrow"), html.H1("Settings"), html.P(_LEDE, className="lede")],
        className="head",
    )
