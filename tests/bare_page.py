"""The bound of tests.bench_dashboard: Dash as it comes, one small chart, no callback."""

from __future__ import annotations

import plotly.graph_objects as go
from dash import Dash, dcc, html
from flask import Flask


def served() -> Flask:
    """The app of a worker."""
    app = Dash(__name__, serve_locally=True)
    figure = go.Figure(go.Scatter(x=[1, 2, 3], y=[2, 1, 3]))
    app.layout = html.Div([html.H1("One chart"), dcc.Graph(id="chart", figure=figure)])
    server: Flask = app.server
    server.add_url_rule("/healthz", view_func=lambda: "well")
    server.test_client().get("/_dash-layout")  # Dash sets itself up at its first request
    return server
