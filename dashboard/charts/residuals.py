"""What the answer's model leaves over: whether a straight line fits, and whether anything is left in time."""

from __future__ import annotations

from datetime import date

import plotly.graph_objects as go
import polars as pl

from dashboard import words
from dashboard.theme import LIGHT, Theme, rgba

HEIGHT_PX = 300
LEFTOVER_STATEMENT = (
    "The runs of the answer once trend, weekend, watch and smooth ground of the same run are taken out of "
    "both axes by plain least squares. The answer goes one step further: it knows that runs near in time are "
    "alike, so its interval is wider than this cloud suggests."
)
RESIDUAL_STATEMENT = (
    "How far each run was from what the whole model, balance work included, and the runs before it led to "
    "expect, in standard deviations. Where the model holds, about 19 of 20 lie between the dashed lines, "
    "without a trend, a wave or a step. A step is what an unknown change leaves: new shoes, other trails, an "
    "injury."
)
# Of independent normal residuals 95 % lie within.
USUAL_SD = 1.96


def leftover(points: pl.DataFrame, theme: Theme = LIGHT) -> go.Figure:
    """What is left of dose and unsteadiness once everything else is taken out, one mark per run.

    Parameters
    ----------
    points : local_date, dose_left (min/week), change_left (fraction) of tables.Residuals.
    """
    figure = go.Figure()
    figure.add_hline(y=0, line={"color": theme.axis, "width": 1})
    figure.add_vline(x=0, line={"color": theme.axis, "width": 1})
    _add_marks(
        figure,
        points["dose_left"].round(2).to_list(),
        (100 * points["change_left"]).round(2).to_list(),
        points,
        "%{text}: %{y:+.0f} % at %{x:+.0f} min/week<extra></extra>",
        theme,
    )
    return _laid_out(
        figure, "Balance dose beyond what is expected, min/week", "Unsteadiness beyond, %", theme
    )


def residuals(points: pl.DataFrame, theme: Theme = LIGHT) -> go.Figure:
    """The whitened residual of each run over time, one mark per run that has one.

    Parameters
    ----------
    points : local_date, residual (SD, null where unknown) of tables.Residuals.
    """
    known = points.drop_nulls("residual")
    figure = go.Figure()
    figure.add_hline(y=0, line={"color": theme.axis, "width": 1})
    for level in (-USUAL_SD, USUAL_SD):
        figure.add_hline(y=level, line={"color": theme.muted, "width": 1, "dash": "dash"})
    _add_marks(
        figure,
        known["local_date"].to_list(),
        known["residual"].round(3).to_list(),
        known,
        "%{text}: %{y:+.1f} SD<extra></extra>",
        theme,
    )
    return _laid_out(figure, "", "Beyond what was expected, SD", theme)


def _add_marks(
    figure: go.Figure,
    x: list[float] | list[date],
    y: list[float],
    points: pl.DataFrame,
    hover: str,
    theme: Theme,
) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        name="run",
        marker={"symbol": "diamond", "size": 7, "color": rgba(theme.technical, 0.55)},
        text=[words.day(day) for day in points["local_date"]],
        hovertemplate=hover,
    )


def _laid_out(figure: go.Figure, x_title: str, y_title: str, theme: Theme) -> go.Figure:
    return figure.update_layout(
        template=theme.template,
        height=HEIGHT_PX,
        margin={"l": 58, "r": 16, "t": 10, "b": 48},
        xaxis={"title": {"text": x_title}, "tickangle": 0},
        yaxis={"title": {"text": y_title}, "nticks": 5},
    )
