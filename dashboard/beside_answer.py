"""One step away from the answer: the plain correlation, and what the answer's model leaves over."""

from __future__ import annotations

from dash import html

from dashboard.charts import dose_response, residuals
from dashboard.components import data_url, figure_box


def plain_correlation(athlete_id: str) -> html.Details:
    """The obvious analysis with the reason why it is not the answer."""
    return html.Details(
        [
            html.Summary("The plain correlation, and why it must not be trusted"),
            html.P(id="answer-naive", className="lede"),
            html.P(dose_response.STATEMENT, className="sub"),
            figure_box(
                "answer-dose",
                "Technical cadence variability against balance dose",
                dose_response.HEIGHT_PX,
                {"CSV": data_url("dose", athlete=athlete_id)},
            ),
        ],
        id="answer-dose-card",
        className="card step",
    )


def left_over(athlete_id: str) -> html.Details:
    """What is left of each run when everything else is taken out, and when all is."""
    of_athlete = {"CSV": data_url("residuals", athlete=athlete_id)}
    return html.Details(
        [
            html.Summary("What is left over: does the answer's model hold?"),
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
        ],
        id="answer-leftover-card",
        className="card step",
    )
