"""One stretch of trail over time: like for like."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html

from dashboard import like_for_like, metrics, queries, words
from dashboard.charts import like_for_like as repeats
from dashboard.components import (
    EMPTY_FIGURE,
    card,
    data_url,
    figure_box,
    named,
    notice,
    register_tables,
    table_data,
    table_rows,
    terrain_key,
    upload_url,
)
from dashboard.first_steps import empty_workspace, unknown_athlete
from dashboard.theme import by_scheme

TITLE = "Stretches"
HONEST = (
    "The same 500 m (0.31 mi) in the same direction, each time that one of five runs or more passed it, with "
    "95 % intervals from six windows on. What differs from time to time (weather, mud, the watch, what was "
    "run before) is in it: a trend here is no answer, and two sides of a change of watch cannot be compared."
)


def layout(athlete_id: str, stretch_id: str = "") -> html.Div:
    """The page without data; an empty stretch stands for the one that most runs passed."""
    return html.Div(
        [
            dcc.Store(id="stretches-athlete", data=athlete_id),
            dcc.Store(id="stretches-asked", data=stretch_id),
            html.Div(id="stretches-head"),
            html.Div(
                card(
                    "One stretch over time",
                    dmc.Select(
                        id="stretches-choice",
                        data=[],
                        allowDeselect=False,
                        searchable=True,
                        nothingFoundMessage="No such stretch",
                        **named("Stretch"),
                    ),
                    terrain_key(),
                    figure_box(
                        "stretches-chart",
                        "Cadence variability of every pass",
                        repeats.OVER_TIME_PX,
                        {"CSV": data_url("repeats", athlete=athlete_id)},
                    ),
                    sub=HONEST,
                ),
                id="stretches-body",
                hidden=True,
            ),
        ],
        className="stack",
    )


def register(app: Dash, workspace: queries.Workspace) -> None:
    """Fill the page from the workspace."""
    register_tables(app, "stretches-chart-table")

    @app.callback(
        Output("stretches-head", "children"),
        Output("stretches-choice", "data"),
        Output("stretches-choice", "value"),
        Output("stretches-body", "hidden"),
        Input("stretches-athlete", "data"),
        Input("stretches-asked", "data"),
    )
    def offer(
        athlete_id: str | None, asked: str | None
    ) -> tuple[Any, list[dict[str, str]], str | None, bool]:
        athlete_id = athlete_id or ""
        athletes = workspace.athletes()
        if athlete_id not in athletes:
            head = unknown_athlete(athlete_id, athletes) if athletes else empty_workspace()
            return head, [], None, True
        passes = like_for_like.passes(workspace, athlete_id)
        names = like_for_like.stretch_names(passes, queries.units_of(workspace, athlete_id))
        if not names:
            return _nothing_yet(athlete_id, workspace.load_runs(athlete_id).height), [], None, True
        choices = [{"value": stretch_id, "label": name} for stretch_id, name in names.items()]
        return _head(athlete_id, len(names)), choices, asked if asked in names else next(iter(names)), False

    @app.callback(
        Output("stretches-chart", "figure"),
        Output(table_rows("stretches-chart-table"), "data"),
        Input("stretches-choice", "value"),
        Input("stretches-athlete", "data"),
        Input("colours", "data"),
    )
    def draw(stretch_id: str | None, athlete_id: str | None, scheme: str | None) -> tuple[Any, Any]:
        if not stretch_id or athlete_id not in workspace.athletes():
            return EMPTY_FIGURE, None
        every = like_for_like.passes(workspace, athlete_id)
        passes = every.filter(every["stretch_id"] == stretch_id)
        breaks = queries.device_breaks(workspace.load_runs(athlete_id))
        chart = repeats.over_time(passes, breaks, by_scheme(scheme))
        return chart, table_data(metrics.passes_table(passes))


def _head(athlete_id: str, n_stretches: int) -> html.Div:
    many = "1 stretch" if n_stretches == 1 else f"{n_stretches} stretches"
    return html.Div(
        [
            html.P(athlete_id, className="eyebrow"),
            html.H1("Like for like"),
            html.P(f"{many} of trail were passed by five runs or more.", className="lede"),
        ],
        className="head",
    )


def _nothing_yet(athlete_id: str, n_runs: int) -> html.Div:
    return notice(
        "No stretch has been run five times yet.",
        html.P(
            "The same 500 m (0.31 mi) of trail in the same direction are shown here over time, once five "
            "runs have passed them. Positions must be in the files. "
            f"{athlete_id} has {words.count(n_runs, 'run')} so far."
        ),
        html.P(dcc.Link("Upload watch files", href=upload_url(athlete_id), className="button")),
    )
