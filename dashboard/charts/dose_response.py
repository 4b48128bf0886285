"""Technical steadiness against balance dose: shown because people ask for it, never as the answer."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboard import words
from dashboard.charts.parts import Parts
from dashboard.theme import LIGHT, Theme, rgba

HEIGHT_PX = 300
STATEMENT = (
    "Do not read an effect off this picture. Season, fitness, weather and a new watch move both axes, and by "
    "plain correlation such a cloud shows an effect in 14 to 77 % of simulated seasons where there is none."
)


def dose_response(pairs: pl.DataFrame, theme: Theme = LIGHT) -> go.Figure:
    """One mark per run, no line through them.

    Parameters
    ----------
    pairs : local_date, value (technical cadence variability, fraction), dose (min/week, up to the day
        before), counts.
    """
    parts = Parts()
    for counts in (True, False):
        part = pairs.filter(pl.col("counts") == counts)
        parts.add_scatter(
            x=part["dose"].to_list(),
            y=(100 * part["value"]).to_list(),
            mode="markers",
            name="counts" if counts else "does not count",
            marker={
                "symbol": "diamond" if counts else "diamond-open",
                "size": 7,
                "color": rgba(theme.technical, 0.55 if counts else 0.8),
            },
            text=[words.day(day) for day in part["local_date"]],
            hovertemplate="%{text}: %{y:.1f} % at %{x:.0f} min/week<extra></extra>",
        )
    parts.update_layout(
        template=theme.template,
        height=HEIGHT_PX,
        margin={"l": 58, "r": 16, "t": 10, "b": 48},
        xaxis={"title": {"text": "Balance dose before the run, min/week"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "Technical variability, %"}, "rangemode": "tozero", "nticks": 5},
    )
    return parts.figure()
