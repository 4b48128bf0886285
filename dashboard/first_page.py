"""The first answer to an address: all at once what a browser would ask for one after the other.

Dash's scripts ask for the layout, then for the list of callbacks, then for the page, then for what is in it.
Here layout, page and list stand in the HTML, and assets/first/first.js asks for the first answers while the
scripts are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

from dash import Dash
from flask import request
from plotly.io.json import to_json_plotly

from dashboard import plotly_js, theme
from dashboard.components import asset_url

EARLY = ("first/first.js", "first/regenerator-runtime-0.13.7.js")
# Nothing here is a dash_table, and a browser that Mantine runs in needs of the polyfills the last one only.
NEEDLESS = ("/dash/deps/polyfill@", "/dash/dash_table/")
GRID = "dash_ag_grid"  # 1.3 MB: a page without a grid asks for it when all else is there
ALONE = r'"(/_dash-component-suites/dash/dcc/)dash_core_components(\.v[^"]+)"'
# Without it the first words wait for the system's own fonts to be looked through.
FONT = '<link rel="preload" href="/assets/fonts/{}" as="font" type="font/woff2" crossorigin>'.format(
    "inter-latin-wght-normal.woff2?m=3100e775"
)
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}<style>VARIABLES</style>FONT{%first%}PLOTLY</head>
<body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body>
</html>"""


class FirstPage(Dash):
    """Dash with a first answer of its own; `frame` gives the layout without data, at an address or at any."""

    def __init__(self, frame: Callable[[str | None], Any], **settings: Any) -> None:
        super().__init__(
            index_string=INDEX.replace("VARIABLES", theme.css_variables())
            .replace("FONT", FONT)
            .replace("PLOTLY", plotly_js.TAG),
            **settings,
        )
        self._frame = frame
        self.layout = lambda: frame(None)

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]
        """The HTML of an address, with the scripts that its page needs."""
        # As the browser has it: a name with a slash in it is encoded, and is no further part of the path.
        pathname = request.environ.get("RAW_URI", request.path).split("?")[0]
        layout = self._frame(pathname)
        scripts = [line for line in parts["scripts"].splitlines() if not any(one in line for one in NEEDLESS)]
        graph = re.sub(ALONE, r'"\1async-graph\2"', next(line for line in scripts if re.search(ALONE, line)))
        grid = next(line for line in scripts if GRID in line)
        if not any(part._namespace == GRID for part in layout._traverse() if hasattr(part, "_namespace")):
            scripts.remove(grid)
        base: Any = super()
        html: str = base.interpolate_index(**parts | {"scripts": "\n".join([*scripts, graph])})
        return html.replace("{%first%}", self._first(layout, grid.split('"')[1]), 1)

    def _first(self, layout: Any, grid_url: str) -> str:
        first = {
            "layout": layout,
            "callbacks": self._callbacks,
            "questions": first_questions(layout, self._callbacks),
            "grid": grid_url,
        }
        held = f'<script id="first" type="application/json">{to_json_plotly(first)}</script>'
        scripts = (f'<script src="{asset_url(name)}"></script>' for name in EARLY)
        return "".join((held, *scripts))

    @cached_property
    def _callbacks(self) -> list[dict[str, Any]]:
        """All that is registered, as /_dash-dependencies says it."""
        listed: list[dict[str, Any]] = self.dependencies().get_json()
        return listed


def first_questions(layout: Any, callbacks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What Dash will ask the server first: the callbacks whose inputs are all in the layout.

    What the browser alone knows is missing in them: the address, and whether it shows light or dark.
    """
    parts = {part.id: part for part in (layout, *layout._traverse()) if getattr(part, "id", None)}
    at_server = [each for each in callbacks if not each["clientside_function"]]
    made = {name for each in at_server for name in _outputs(each)}

    def is_known(given: dict[str, str]) -> bool:
        return given["id"] in parts and f"{given['id']}.{given['property']}" not in made

    return [
        _question(each, parts)
        for each in at_server
        if not each["prevent_initial_call"] and all(map(is_known, (*each["inputs"], *each["state"])))
    ]


def _outputs(callback: dict[str, Any]) -> list[str]:
    """The names of a callback's outputs."""
    return [name.split("@")[0] for name in callback["output"].strip(".").split("...")]


def _question(callback: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """The request for a callback's first answer."""
    outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in _outputs(callback)]
    filled = {
        kind: [one | {"value": getattr(parts[one["id"]], one["property"], None)} for one in callback[kind]]
        for kind in ("inputs", "state")
    }
    is_many = callback["output"].startswith("..")
    return {
        "output": callback["output"],
        "outputs": outputs if is_many else outputs[0],
        "changedPropIds": [],
        **filled,
    }
