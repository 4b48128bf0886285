"""Shown for an address that no page has."""

from __future__ import annotations

from dash import dcc, html

from dashboard.components import notice

TITLE = "Not found"


def layout() -> html.Div:
    """Words and a way back."""
    return notice("There is no such page.", html.P(dcc.Link("To the start", href="/")))
