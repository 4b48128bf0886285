"""Colour and type, once: the only place that names a colour. Templates for charts, variables for CSS.

Smooth and technical clear a contrast of 3:1 on both papers and stay apart for protanopes and
deuteranopes; shape (circle, diamond) and line width say the same thing again, so colour never stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import plotly.graph_objects as go
import plotly.io as pio

FONT = "'Inter Variable', Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
SYMBOLS = {"technical": "diamond", "smooth": "circle"}
LINE_WIDTHS = {"technical": 4.5, "smooth": 2.5}


@dataclass(frozen=True)
class Theme:
    """The colours of one scheme, their plotly template by its name, and whether it is for a phone."""

    template: str
    technical: str
    smooth: str
    link: str
    dose: tuple[str, str, str]
    page: str
    card: str
    line: str
    ink: str
    muted: str
    grid: str
    axis: str
    cursor: str
    is_narrow: bool = False

    def terrain(self, name: str) -> str:
        """Colour of a terrain."""
        return self.technical if name == "technical" else self.smooth


LIGHT = Theme(
    template="surefoot_light",
    technical="#CF5A16",
    smooth="#2479C2",
    link="#1D68AA",
    dose=("#46505E", "#8B95A3", "#C3CAD3"),
    page="#F6F7F9",
    card="#FFFFFF",
    line="#E4E8ED",
    ink="#1B2430",
    muted="#5B6675",
    grid="#EBEEF2",
    axis="#C9D0D9",
    cursor="#FFD54A",
)
DARK = Theme(
    template="surefoot_dark",
    technical="#F08A4B",
    smooth="#5AA5E3",
    link="#5AA5E3",
    dose=("#8FA0B4", "#C6D0DC", "#5A6675"),
    page="#10141A",
    card="#171C23",
    line="#262E38",
    ink="#E8ECF1",
    muted="#9AA6B5",
    grid="#262E38",
    axis="#3B4654",
    cursor="#FFD54A",
)


def rgba(colour: str, alpha: float) -> str:
    """`#RRGGBB` with an opacity from 0 to 1, as CSS writes it."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def _template(theme: Theme) -> go.layout.Template:
    axis = {
        "gridcolor": theme.grid,
        "linecolor": theme.axis,
        "tickcolor": theme.axis,
        "tickfont": {"size": 12, "color": theme.muted},
        "title": {"font": {"size": 12, "color": theme.muted}, "standoff": 8},
        "zeroline": False,
        "fixedrange": True,
        "spikecolor": theme.muted,
        "spikethickness": 1,
        "spikedash": "solid",
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": theme.ink},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": theme.ink,
                "bordercolor": theme.ink,
                "font": {"color": theme.card, "size": 12.5, "family": FONT},
                "namelength": -1,
            },
            "xaxis": axis | {"showgrid": False, "showline": True, "ticks": "outside", "ticklen": 4},
            "yaxis": axis | {"showline": False, "ticks": ""},
            "annotationdefaults": {"font": {"size": 12, "color": theme.muted}, "showarrow": False},
            "dragmode": False,
            "showlegend": False,
            "bargap": 0.25,
        }
    )


for _theme in (LIGHT, DARK):
    pio.templates[_theme.template] = _template(_theme)


def by_scheme(scheme: object) -> Theme:
    """The theme of what a browser tells: `light` or `dark`, and `narrow` on a phone; light for all else."""
    told = scheme.split() if isinstance(scheme, str) else []
    return replace(DARK if "dark" in told else LIGHT, is_narrow="narrow" in told)


def _variables(theme: Theme) -> str:
    values = {
        "technical": theme.technical,
        "smooth": theme.smooth,
        "link": theme.link,
        "dose": theme.dose[0],
        "page": theme.page,
        "card": theme.card,
        "line": theme.line,
        "ink": theme.ink,
        "muted": theme.muted,
        "cursor": theme.cursor,
    }
    return "".join(f"--{name}:{value};" for name, value in values.items())


def css_variables() -> str:
    """The colours and the font as CSS custom properties, light by default and dark where Mantine says so."""
    return (
        f":root{{{_variables(LIGHT)}--font:{FONT}}}"
        f"[data-mantine-color-scheme=dark]{{{_variables(DARK)}color-scheme:dark}}"
    )


def css_by_device() -> str:
    """The same for pages without Mantine: dark where the device is."""
    return (
        f":root{{{_variables(LIGHT)}--font:{FONT};color-scheme:light dark}}"
        f"@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"
    )
