"""Shown for an address that no page has."""

from __future__ import annotations

from dash import html

from dashboard.first_steps import unknown_page

TITLE = "Not found"


def layout() -> html.Div:
    """Words and a way back."""
    return unknown_page()
