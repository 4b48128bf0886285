"""What a chart is put together of, before it is one."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go


class Parts:
    """Traces, words and shapes: a go.Figure is checked and copied whole at each one that is added to it."""

    def __init__(self) -> None:
        self._traces: list[dict[str, Any]] = []
        self._layout: dict[str, Any] = {}
        self._lists: dict[str, list[dict[str, Any]]] = {"annotations": [], "shapes": [], "images": []}

    def add_scatter(self, **trace: Any) -> None:
        """As go.Figure.add_scatter."""
        self._traces.append({"type": "scatter", **trace})

    def add_bar(self, **trace: Any) -> None:
        """As go.Figure.add_bar."""
        self._traces.append({"type": "bar", **trace})

    def add_annotation(self, **words: Any) -> None:
        """As go.Figure.add_annotation."""
        self._lists["annotations"].append(words)

    def add_shape(self, **shape: Any) -> None:
        """As go.Figure.add_shape."""
        self._lists["shapes"].append(shape)

    def add_layout_image(self, **image: Any) -> None:
        """As go.Figure.add_layout_image."""
        self._lists["images"].append(image)

    def update_layout(self, **layout: Any) -> None:
        """What the layout has beside them."""
        self._layout |= layout

    def figure(self) -> go.Figure:
        """The chart."""
        return go.Figure(self._traces, self._layout | {name: of for name, of in self._lists.items() if of})
