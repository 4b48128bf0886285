"""One step away from the answer: other half-lives, the plain correlation, and what the model leaves over.

None is drawn, and other half-lives are not worked out, before it is opened.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html
from dash.exceptions import PreventUpdate

from dashboard import queries, tables
from dashboard.charts import dose_response, half_lives, residuals
from dashboard.components import data_url, figure_box, register_tables, table_data, table_rows
from dashboard.theme import by_scheme
from pipeline.effect import vary_half_life
from pipeline.tables import DataFrame, Sensitivity


def _lidded(name: str, summary: str, *content: Any) -> html.Details:
    """A card that is closed at first, with the store that learns of its opening."""
    return html.Details(
        [dcc.Store(id=f"{name}-opened"), html.Summary(summary), *content], id=name, className="card step"
    )


def other_half_lives(athlete_id: str) -> html.Details:
    """How the answer leans on the half-life of the dose."""
    return _lidded(
        "answer-half-lives-card",
        "Other half-lives of the dose: would the answer be another?",
        html.P(half_lives.STATEMENT, className="sub"),
        figure_box(
            "answer-half-lives",
            "Interval of the answer with other half-lives of the dose",
            half_lives.HEIGHT_PX,
            {"CSV": data_url("half-lives", athlete=athlete_id)},
        ),
    )


def vary(workspace: queries.Workspace, athlete_id: str) -> DataFrame[Sensitivity]:
    """The headline's change with half-lives of 10 to 42 days, as stored runs and log give it."""
    return vary_half_life(
        workspace.load_runs(athlete_id),
        workspace.load_stability(athlete_id),
        workspace.load_balance_sessions(athlete_id),
    )


def plain_correlation(athlete_id: str) -> html.Details:
    """The obvious analysis with the reason why it is not the answer."""
    return _lidded(
        "answer-dose-card",
        "The plain correlation, and why it must not be trusted",
        html.P(id="answer-naive", className="lede"),
        html.P(dose_response.STATEMENT, className="sub"),
        figure_box(
            "answer-dose",
            "Technical cadence variability against balance dose",
            dose_response.HEIGHT_PX,
            {"CSV": data_url("dose", athlete=athlete_id)},
        ),
    )


def left_over(athlete_id: str) -> html.Details:
    """What is left of each run when everything else is taken out, and when all is."""
    of_athlete = {"CSV": data_url("residuals", athlete=athlete_id)}
    return _lidded(
        "answer-leftover-card",
        "What is left over: does the answer's model hold?",
        html.P(residuals.LEFTOVER_STATEMENT, className="sub"),
        figure_box(
            "answer-leftover",
            "Unsteadiness against dose, everything else taken out",
            residuals.HEIGHT_PX,
            of_athlete,
        ),
        html.P(residuals.RESIDUAL_STATEMENT, className="sub"),
        figure_box(
            "answer-residuals",
            "What the answer's model leaves of each run, over time",
            residuals.HEIGHT_PX,
            of_athlete,
        ),
    )


def register_beside(app: Dash, workspace: queries.Workspace) -> None:
    """Draw each once it is opened, of which assets/app.js tells the store of its card."""
    register_tables(
        app,
        *("answer-half-lives-table", "answer-dose-table", "answer-leftover-table", "answer-residuals-table"),
    )

    @app.callback(
        Output("answer-half-lives", "figure"),
        Output(table_rows("answer-half-lives-table"), "data"),
        Input("answer-half-lives-card-opened", "data"),
        Input("colours", "data"),
        State("answer-athlete", "data"),
        prevent_initial_call=True,
    )
    def draw_half_lives(opened: str | None, scheme: str | None, athlete_id: str | None) -> tuple[Any, Any]:
        whose = _whose(workspace, opened, athlete_id)
        varied, headline = vary(workspace, whose), queries.load_answer(workspace, whose).headline
        answered_days = headline["half_life_days"] if headline else None
        figure = half_lives.half_lives(varied, answered_days, by_scheme(scheme))
        return figure, table_data(tables.half_lives_table(varied))

    @app.callback(
        Output("answer-dose", "figure"),
        Output(table_rows("answer-dose-table"), "data"),
        Input("answer-dose-card-opened", "data"),
        Input("colours", "data"),
        State("answer-athlete", "data"),
        prevent_initial_call=True,
    )
    def draw_correlation(opened: str | None, scheme: str | None, athlete_id: str | None) -> tuple[Any, Any]:
        pairs = queries.dose_pairs(workspace, _whose(workspace, opened, athlete_id))
        return dose_response.dose_response(pairs, by_scheme(scheme)), table_data(tables.dose_table(pairs))

    @app.callback(
        Output("answer-leftover", "figure"),
        Output(table_rows("answer-leftover-table"), "data"),
        Output("answer-residuals", "figure"),
        Output(table_rows("answer-residuals-table"), "data"),
        Input("answer-leftover-card-opened", "data"),
        Input("colours", "data"),
        State("answer-athlete", "data"),
        prevent_initial_call=True,
    )
    def draw_left_over(
        opened: str | None, scheme: str | None, athlete_id: str | None
    ) -> tuple[Any, Any, Any, Any]:
        left, theme = workspace.load_residuals(_whose(workspace, opened, athlete_id)), by_scheme(scheme)
        return (
            residuals.leftover(left, theme),
            table_data(tables.leftover_table(left)),
            residuals.residuals(left, theme),
            table_data(tables.residuals_table(left)),
        )


def _whose(workspace: queries.Workspace, opened: str | None, athlete_id: str | None) -> str:
    """The athlete whose card is open. Raises PreventUpdate where it is closed, or the athlete unknown."""
    athletes = workspace.athletes()
    whose = athlete_id or next(iter(athletes), "")
    if not opened or whose not in athletes:
        raise PreventUpdate
    return whose
