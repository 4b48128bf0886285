"""The part of plotly.js that pages and reports need, scatters and bars: a quarter of the whole."""

from __future__ import annotations

from pathlib import Path

FILE = Path(__file__).parent / "assets" / "plotly" / "plotly-basic-4.1.1.min.js"
# Run once the page is parsed, while the first answers are under way; assets/app.js has Dash wait for it.
TAG = f'<script defer id="plotly" src="/assets/plotly/{FILE.name}"></script>'
