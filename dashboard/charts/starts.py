"""Where runs began, on plain ground: places by letter, in metres about one of them, no coordinates."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboard import words
from dashboard.charts.track_map import add_scale_and_north, plain_ground
from dashboard.theme import LIGHT, Theme
from dashboard.units import METRIC, Units

HEIGHT_PX = 320


def starts(places: pl.DataFrame, theme: Theme = LIGHT, units: Units = METRIC) -> go.Figure:
    """A circle a place with its letter, the larger the more runs began there.

    Parameters
    ----------
    places : place, runs, east_m, north_m.
    """
    text = "" if len(places) else "No run begins at a place that is shown."
    parts = plain_ground(theme, HEIGHT_PX, text)
    if places.is_empty():
        return parts.figure()
    most = max(places["runs"].to_list())
    parts.add_scatter(
        x=places["east_m"].to_list(),
        y=places["north_m"].to_list(),
        mode="markers+text",
        marker={
            "size": [22 + 18 * (n / most) ** 0.5 for n in places["runs"]],
            "color": theme.card,
            "line": {"color": theme.ink, "width": 2},
        },
        text=places["place"].to_list(),
        textfont={"color": theme.ink, "size": 13},
        customdata=[[words.count(n, "run")] for n in places["runs"]],
        hovertemplate="%{text}: %{customdata[0]}<extra></extra>",
        cliponaxis=False,
        name="starts",
    )
    add_scale_and_north(parts, places, theme, units)
    return parts.figure()
