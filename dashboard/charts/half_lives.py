"""The answer's question with other half-lives of the dose."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.forest import forest, height_px
from dashboard.theme import LIGHT, Theme

HEIGHT_PX = height_px(5)
STATEMENT = (
    "How long balance work lasts is declared before looking: a half-life of 21 days unless you set another. "
    "Here the same question is asked of the same runs with five of them. It shows how the answer leans on "
    "that choice; it is not an answer, and the smallest p is no reason to prefer its half-life. p, by "
    "permuting the log, is corrected for the search, the intervals are not."
)


def half_lives(sensitivity: pl.DataFrame, answered_days: float | None, theme: Theme = LIGHT) -> go.Figure:
    """One interval a half-life, shortest first; the one that the answer has is called so.

    Parameters
    ----------
    sensitivity : half_life_days, estimate, low, high (changes as fractions, below 0 is steadier).
    """
    names = [
        f"{days:g} days" + (", the answer’s" if days == answered_days else "")
        for days in sensitivity["half_life_days"]
    ]
    return forest(sensitivity.with_columns(athlete_id=pl.Series(names, dtype=pl.String)), None, theme)
