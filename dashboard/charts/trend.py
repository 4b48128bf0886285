"""Steadiness of every run on both grounds, and the balance minutes of every week, on one time axis."""

from __future__ import annotations

from datetime import date, timedelta
from html import escape

import numpy as np
import plotly.graph_objects as go
import polars as pl

from dashboard import words
from dashboard.charts.lowess import local_line
from dashboard.charts.parts import Parts
from dashboard.theme import LIGHT, SYMBOLS, Theme, rgba
from pipeline.triage import RANGE_WEEKS

HEIGHT_PX = 520
UPPER, LOWER = (0.33, 1.0), (0.0, 0.22)
LABEL_GAP_PX = 40
BREAK_ROW_PX, BREAK_ROWS = 15, 4


def trend(
    runs: pl.DataFrame,
    weeks: pl.DataFrame,
    breaks: pl.DataFrame,
    ranges: pl.DataFrame,
    unmeasured: pl.DataFrame,
    theme: Theme = LIGHT,
    *,
    last_weeks: int | None = None,
) -> go.Figure:
    """Marks with intervals for runs, a line and its band per device, bars for balance minutes by category.

    Days are given to plotly as texts: it copies every value, and a date takes nine times as long.

    Parameters
    ----------
    runs : run_id, local_date, terrain, value, low, high (fractions), n_windows, counts, counts_reason,
        device_epoch.
    weeks : week (its Monday), category, minutes.
    breaks : local_date, words: where a device, and so the level of the figures, changed.
    ranges : terrain, low, high (fractions), local_date: the usual range of the weeks before that day.
    unmeasured : local_date, counts_reason of the runs that have no value on either ground.
    last_weeks : how many weeks up to the last day are shown, all where it is None.
    """
    parts = Parts()
    _add_unmeasured(parts, unmeasured, theme)
    ends = {}
    for terrain in ("technical", "smooth"):
        of_terrain = runs.filter(pl.col("terrain") == terrain)
        _add_marks(parts, of_terrain, terrain, theme)
        ends[terrain] = _add_lines(parts, of_terrain.filter(pl.col("counts")), terrain, theme)
    _add_ranges(parts, ranges, theme)
    top = 1.12 * 100 * float(runs["value"].quantile(0.99) or 0.04) if runs.height else 4.0
    upper = UPPER if weeks.height else (0.0, 1.0)
    _label_ends(parts, ends, top, upper, theme)
    _add_bars(parts, weeks, theme)
    days = [*runs["local_date"], *weeks["week"], *unmeasured["local_date"]]
    if last_weeks is not None and days:
        first = max(days) - timedelta(weeks=last_weeks)
        days = [first, *(day for day in days if day > first)]
    shown = breaks.filter(pl.col("local_date").is_between(min(days), max(days))) if days else breaks.clear()
    top_px = add_breaks(parts, shown, days, theme)
    parts.update_layout(
        template=theme.template,
        height=HEIGHT_PX,
        margin={"t": top_px, "b": 42, **({"l": 46, "r": 10} if theme.is_narrow else {"l": 58, "r": 88})},
        barmode="stack",
        xaxis={
            "type": "date",
            "anchor": "y2" if weeks.height else "y",
            "tickformat": tick_format(days),
            "nticks": 4 if theme.is_narrow else 9,
            "tickangle": 0,
            "range": reach(days),
        },
        yaxis={
            "domain": upper,
            "title": {"text": "Cadence variability, %"},
            "range": [0, top],
            "nticks": 6,
        },
        yaxis2={
            "domain": LOWER,
            "title": {"text": "Balance, min/wk"},
            "rangemode": "tozero",
            "nticks": 4,
        },
    )
    return parts.figure()


def _add_marks(parts: Parts, runs: pl.DataFrame, terrain: str, theme: Theme) -> None:
    colour = theme.terrain(terrain)
    for counts in (True, False):
        part = runs.filter(pl.col("counts") == counts)
        value = 100 * part["value"].to_numpy()
        texts = [
            f"{words.sentence_case(terrain)}, {words.day(day)}: {words.percent(value)}"
            f"<br>95{words.NBSP}% interval {words.percent_range(low, high)}, n = {words.count(n, 'window')}"
            + ("" if counts else _left_out(reason))
            for day, value, low, high, n, reason in part.select(
                "local_date", "value", "low", "high", "n_windows", "counts_reason"
            ).iter_rows()
        ]
        parts.add_scatter(
            x=part["local_date"].dt.to_string().to_list(),
            y=value,
            mode="markers",
            name=f"{terrain} run" + ("" if counts else ", does not count"),
            marker={
                "symbol": SYMBOLS[terrain] + ("" if counts else "-open"),
                "size": 7,
                "color": rgba(colour, 0.55 if counts else 0.8),
                "line": {"width": 0 if counts else 1.2, "color": colour},
            },
            error_y={
                "type": "data",
                "array": 100 * part["high"].to_numpy() - value,
                "arrayminus": value - 100 * part["low"].to_numpy(),
                "color": rgba(colour, 0.16),
                "thickness": 1.2,
                "width": 0,
            },
            customdata=part["run_id"].to_list(),
            text=texts,
            hovertemplate="%{text}<extra></extra>",
        )


def _left_out(reason: str) -> str:
    return f"<br>does not count:<br>{escape(reason)}"


def _add_unmeasured(parts: Parts, runs: pl.DataFrame, theme: Theme) -> None:
    """Runs without a value, as crosses on the axis: left out is not the same as never run."""
    parts.add_scatter(
        x=runs["local_date"].dt.to_string().to_list(),
        y=[0.0] * runs.height,
        mode="markers",
        name="run without a value",
        marker={"symbol": "x-thin", "size": 7, "line": {"width": 1.5, "color": theme.muted}},
        text=[f"{words.day(day)}{_left_out(reason)}" for day, reason in runs.iter_rows()],
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
    )


def _add_ranges(parts: Parts, ranges: pl.DataFrame, theme: Theme) -> None:
    """The two ends of each usual range, dashed, over the weeks that it rests on."""
    for terrain, low, high, until in ranges.select("terrain", "low", "high", "local_date").iter_rows():
        since = until - timedelta(weeks=RANGE_WEEKS)
        parts.add_scatter(
            x=[since, until, None, since, until],
            y=[100 * low, 100 * low, None, 100 * high, 100 * high],
            mode="lines",
            line={"color": theme.terrain(terrain), "width": 1.6, "dash": "dash"},
            name=f"usual range, {terrain}",
            hovertemplate=f"usual range on {terrain} ground: {words.percent_range(low, high)}<extra></extra>",
        )


def _add_lines(parts: Parts, runs: pl.DataFrame, terrain: str, theme: Theme) -> tuple[date, float] | None:
    """A line per device, never across a change of device; the end of the newest one."""
    colour = theme.terrain(terrain)
    end = None
    for (_,), part in runs.group_by("device_epoch", maintain_order=True):
        days = part["local_date"].cast(pl.Int32).to_numpy().astype(float)
        grid = np.arange(days.min(), days.max() + 1, 2.0)
        line, low, high = np.exp(local_line(days, np.log(part["value"].to_numpy()), grid)) * 100
        known = np.isfinite(line)
        if known.sum() < 2:
            continue
        dates = pl.Series(grid.astype(np.int32)).cast(pl.Date)
        drawn = dates.dt.to_string().to_list()
        for values, fill in ((high, None), (low, "tonexty")):
            parts.add_scatter(
                x=drawn,
                y=values,
                mode="lines",
                line={"width": 0},
                fill=fill,
                fillcolor=rgba(colour, 0.16),
                hoverinfo="skip",
                name=f"{terrain} band",
            )
        parts.add_scatter(
            x=drawn,
            y=line,
            mode="lines",
            line={"color": colour, "width": 3},
            hoverinfo="skip",
            name=f"{terrain} line",
        )
        last = int(np.flatnonzero(known)[-1])
        if end is None or dates[last] > end[0]:
            end = (dates[last], float(line[last]))
    return end


def _label_ends(
    parts: Parts,
    ends: dict[str, tuple[date, float] | None],
    top: float,
    upper: tuple[float, float],
    theme: Theme,
) -> None:
    """Name each line where it ends, pushed apart where two labels would touch; on a phone above its end."""
    known = {terrain: end for terrain, end in ends.items() if end is not None}
    plot_px = (HEIGHT_PX - 72) * (upper[1] - upper[0])
    shifts = dict.fromkeys(known, 0.0)
    if len(known) == 2:
        gap_px = (known["technical"][1] - known["smooth"][1]) / top * plot_px
        push = max(0.0, (LABEL_GAP_PX - abs(gap_px)) / 2) * (1 if gap_px >= 0 else -1)
        shifts = {"technical": push, "smooth": -push}
    for terrain, (_, value) in known.items():
        parts.add_annotation(
            x=1,
            xref="paper",
            y=value,
            yref="y",
            text=f"<b>{words.sentence_case(terrain)}</b><br>{words.percent(value / 100)}",
            font={"color": theme.terrain(terrain), "size": 13},
            align="right" if theme.is_narrow else "left",
            xanchor="right" if theme.is_narrow else "left",
            xshift=-2 if theme.is_narrow else 8,
            yshift=shifts[terrain] + (LABEL_GAP_PX if theme.is_narrow else 0),
            bgcolor=rgba(theme.card, 0.75),
            showarrow=False,
        )


def _add_bars(parts: Parts, weeks: pl.DataFrame, theme: Theme) -> None:
    categories = weeks.group_by("category").agg(pl.col("minutes").sum()).sort("minutes", descending=True)
    for colour, category in zip(theme.dose, categories["category"], strict=False):
        part = weeks.filter(pl.col("category") == category)
        parts.add_bar(
            x=(part["week"] + timedelta(days=3)).dt.to_string().to_list(),
            y=part["minutes"].to_list(),
            name=category,
            marker={"color": colour, "line": {"width": 0}},
            width=5.6 * 86_400_000,
            yaxis="y2",
            hovertemplate=f"{escape(category)}: %{{y:.0f}} min, week about %{{x|%-d %b}}<extra></extra>",
        )
    names = ("<br>" if theme.is_narrow else "  ").join(
        f'<span style="color:{colour}">■</span> {escape(category)}'
        for colour, category in zip(theme.dose, categories["category"], strict=False)
    )
    parts.add_annotation(
        x=0,
        xref="paper",
        y=LOWER[1],
        yref="paper",
        yanchor="bottom",
        xanchor="left",
        yshift=2,
        text=names,
        showarrow=False,
        align="left",
    )


def tick_format(days: list[date]) -> str:
    """Months for a season, days for a few weeks."""
    few_weeks = not days or (max(days) - min(days)).days < 120
    return "%-d %b\n%Y" if few_weeks else "%b\n%Y"


def reach(days: list[date]) -> list[date] | None:
    """First to last day with some room, so that no text can stretch the axis."""
    return [min(days) - timedelta(days=5), max(days) + timedelta(days=9)] if days else None


def add_breaks(parts: Parts, breaks: pl.DataFrame, days: list[date], theme: Theme) -> int:
    """A dotted line and its words where the device changed; gives the room (px) that the words need above.

    Words that would run into those before stand a line higher.
    """
    row, rows, before = 0, 1, None
    reach_days = (max(days) - min(days)).days if days else 0
    near = timedelta(days=reach_days * (1.0 if theme.is_narrow else 0.25))
    for day, text in breaks.select("local_date", "words").iter_rows():
        row = (row + 1) % BREAK_ROWS if before is not None and day - before <= near else 0
        rows, before = max(rows, row + 1), day
        share = (day - min(days)) / max(max(days) - min(days), timedelta(days=1))
        is_amid = theme.is_narrow and 0.3 < share < 0.7  # beside its line a text would leave the screen
        parts.add_shape(
            type="line",
            x0=day,
            x1=day,
            y0=0,
            y1=1,
            yref="paper",
            line={"color": theme.muted, "width": 1, "dash": "dot"},
        )
        parts.add_annotation(
            x=day,
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor="center" if is_amid else "right" if share > 0.5 else "left",
            yshift=row * BREAK_ROW_PX,
            text=escape(text[:40]),
            showarrow=False,
        )
    return 15 + rows * BREAK_ROW_PX
