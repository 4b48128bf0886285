"""The part of plotly.js in the tree, held against the plotly that draws up the charts."""

import hashlib
import re

from plotly.offline import get_plotlyjs_version

from dashboard import plotly_js


def test_the_bundle_is_of_the_version_that_figures_are_made_for() -> None:
    """A newer plotly in the lock asks for its own bundle: its schema is what figures are checked against."""
    head = plotly_js.FILE.read_text(encoding="utf-8")[:200]
    assert f"plotly.js (basic - minified) v{get_plotlyjs_version()}" in head
    assert f"-{get_plotlyjs_version()}." in plotly_js.FILE.name


def test_the_bundle_is_the_one_that_was_published() -> None:
    """The bytes have the hash that stands beside them."""
    stated = re.search(r"SHA-256: (\w+)", (plotly_js.FILE.parent / "LICENSE.txt").read_text(encoding="utf-8"))
    assert stated is not None
    assert hashlib.sha256(plotly_js.FILE.read_bytes()).hexdigest() == stated[1]
