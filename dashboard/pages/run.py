"""One run: where its ground was technical, and how steady cadence was there."""

from __future__ import annotations

from typing import Any

import polars as pl
from dash import Dash, Input, Output, State, dcc, html

from dashboard import like_for_like, metrics, queries, tables, words
from dashboard.charts import like_for_like as repeats
from dashboard.charts import track_map
from dashboard.components import (
    DECORATION,
    EMPTY_FIGURE,
    card,
    data_url,
    figure_box,
    icon,
    in_browser,
    mark,
    named,
    register_tables,
    run_url,
    runs_url,
    stretches_url,
    table_data,
    table_rows,
    table_slot,
    terrain_key,
)
from dashboard.first_steps import unknown_run
from dashboard.ground import lay_tiles
from dashboard.run_profile import profile_card, register_profile
from dashboard.theme import Theme, by_scheme
from dashboard.units import Units
from pipeline.tiles import tile_host

TITLE = "Run"
LIKE_FOR_LIKE = (
    "Stretches of 500 m (0.31 mi) that five runs or more passed in this direction. Mark: this run, with its "
    "95 % interval, a diamond where most of it is technical. Ticks: the other runs by the same watch. "
    "Weather, mud, company and what was run before differ from time to time, and are in it."
)
NO_GROUND = "No part of this run could be called technical or smooth."
TRACKLESS = "This recording has no positions, so there is no track to draw."
NOTHING_MEASURED = "None of this could be measured on this run."
OFF: dict[str, Any] = {"aria-disabled": "true"}
LIVE: dict[str, Any] = {"aria-live": "polite"}


def layout(run_id: str) -> html.Div:
    """The page without data."""
    return html.Div(
        [
            dcc.Store(id="run-id", data=run_id),
            dcc.Store(id="run-shown"),
            dcc.Store(id="run-changed", data=""),
            html.Div(id="run-head"),
            html.Div(
                [
                    html.Div(
                        [
                            html.Div(
                                card(
                                    "Track",
                                    terrain_key(),
                                    figure_box(
                                        "run-map",
                                        "Track of the run by ground",
                                        track_map.HEIGHT_PX,
                                        {"CSV": data_url("track", run=run_id)},
                                    ),
                                    html.P(id="run-ground", className="small"),
                                    sub="Thick: technical. Thin: smooth. Dotted: not labelled.",
                                ),
                                id="run-track",
                            ),
                            card(
                                "The two grounds",
                                html.Div(id="run-share"),
                                table_slot("run-grounds", "The two grounds"),
                                html.P(id="run-trackless", className="small"),
                            ),
                        ],
                        className="pair",
                    ),
                    card(
                        "Early and late, walked, and what else the watch measured",
                        html.P(id="run-late", className="sub"),
                        table_slot("run-more", "Early and late, walked, and what else the watch measured"),
                        sub="With 95 % intervals. Early and late are the first and the last third of the "
                        "running, compared uphill with uphill and downhill with downhill.",
                    ),
                    html.Div(id="run-before"),
                    profile_card(run_id),
                    card(
                        "Stretches and reasons",
                        table_slot("run-segments", "Stretches and reasons"),
                        sub="Why each stretch was called what it is. Cadence never decides it.",
                    ),
                    _mark_card(),
                ],
                id="run-body",
                className="stack",
                hidden=True,
            ),
        ],
        className="stack",
    )


def _mark_card() -> html.Section:
    """Where the runner has the last word."""
    ends = []
    for end, name in (("from", "From"), ("to", "To")):
        label = html.Span([name, ", ", html.Span("km", className="unit")])
        ends.append(html.Label([label, dcc.Input(id=f"mark-{end}", type="text", className="text")]))
    return card(
        "You know better?",
        html.Div(
            [
                html.Label(["Stretch", html.Select(id="mark-stretch", className="text")]),
                *ends,
                *(
                    html.Button([mark(name), f"It is {name}"], id=f"mark-{name}", className="button")
                    for name in ("technical", "smooth")
                ),
            ],
            className="fields",
        ),
        html.P(id="mark-said", className="said", **LIVE),
        html.Ul(id="mark-list", className="lines"),
        sub="Mark a stretch of 60 m (200 ft) or more: it holds for every run over that place, also for later "
        "ones, until you take it back.",
    )


def register(app: Dash, workspace: queries.Workspace) -> None:
    """Fill the page from the workspace; the dot on the track is moved in the browser."""
    register_tables(app, "run-map-table", "run-profile-table", "run-grounds", "run-more", "run-segments")
    register_tables(app, "run-repeats-table")

    @app.callback(
        output={
            "head": Output("run-head", "children"),
            "hidden": Output("run-body", "hidden"),
            "share": Output("run-share", "children"),
            "grounds": Output(table_rows("run-grounds"), "data"),
            "map": Output("run-map", "figure"),
            "map_hidden": Output("run-track", "hidden"),
            "trackless": Output("run-trackless", "children"),
            "map_table": Output(table_rows("run-map-table"), "data"),
            "ground": Output("run-ground", "children"),
            "more": Output(table_rows("run-more"), "data"),
            "late": Output("run-late", "children"),
            "before": Output("run-before", "children"),
            "profile_table": Output(table_rows("run-profile-table"), "data"),
            "segments": Output(table_rows("run-segments"), "data"),
            "shown": Output("run-shown", "data"),
        },
        inputs={
            "run_id": Input("run-id", "data"),
            "scheme": Input("colours", "data"),
            "_changed": Input("run-changed", "data"),
        },
    )
    def fill(run_id: str | None, scheme: str | None, _changed: str | None) -> dict[str, Any]:
        return _contents(workspace, run_id or "", scheme)

    register_profile(app, workspace)
    in_browser(app, "showRun", Input("run-shown", "data"), State("run-id", "data"))


def _contents(workspace: queries.Workspace, run_id: str, scheme: str | None) -> dict[str, Any]:
    run = queries.find_run(workspace, run_id)
    if run is None:
        return {
            "head": unknown_run(workspace.athletes()),
            "hidden": True,
            "map": EMPTY_FIGURE,
            "map_hidden": True,
            **dict.fromkeys(("share", "grounds", "map_table", "profile_table", "segments", "more", "late")),
            **dict.fromkeys(("before", "shown", "ground", "trackless")),
        }
    theme, units = by_scheme(scheme), queries.units_of(workspace, run["athlete_id"])
    track, segments = workspace.load_track(run_id), workspace.load_segments(run_id=run_id)
    positions, tiles = queries.local_positions(track), workspace.load_tiles()
    hidden = _hidden(workspace, run, track)
    start = "Shown from here" if "start" in hidden else "Start"
    stretch_table = table_data(tables.segments_table(segments, units), none=NO_GROUND)
    stability = queries.run_stability(workspace, run)
    return {
        "more": table_data(metrics.metrics_table(stability), none=NOTHING_MEASURED),
        "late": metrics.late_sentence(stability),
        "before": _before(workspace, run, theme, units),
        "head": _head(workspace, run, units, hidden),
        "hidden": False,
        "share": _share(run["technical_share"]),
        "grounds": _grounds(workspace, run, stability, units),
        "map": EMPTY_FIGURE
        if positions.is_empty()
        else track_map.track_map(positions, theme, lay_tiles(track, tiles), units, start),
        "map_hidden": positions.is_empty(),
        "trackless": TRACKLESS if positions.is_empty() and not track.is_empty() else "",
        "ground": f"Ground: {tile_host(tiles)}, which learns where this run was." if tiles else "",
        "map_table": stretch_table,
        "profile_table": table_data(tables.distance_table(queries.by_distance(track, units.unit_m), units)),
        "segments": stretch_table,
        "shown": {
            "path": queries.hover_path(positions),
            "athlete": run["athlete_id"],
            "stretches": _stretches(segments, units),
            "marks": _marks(workspace, run, units),
        },
    }


def _stretches(segments: pl.DataFrame, units: Units) -> list[tuple[str, str]]:
    """The run's own stretches to choose from: what to call each, and its ends (m)."""
    choices = [
        (
            f"{units.span(row['start_m'], row['end_m'])}, {row['terrain']}",
            f"{row['start_m']:.0f} {row['end_m']:.0f}",
        )
        for row in segments.iter_rows(named=True)
    ]
    return [("choose one, or give its ends", ""), *choices]


def _marks(workspace: queries.Workspace, run: dict[str, Any], units: Units) -> list[dict[str, Any]]:
    """What the runner marked, on this run or another: the mark, what it says, the other run's address."""
    days = dict(workspace.load_runs(run["athlete_id"]).select("run_id", "local_date").iter_rows())
    found = []
    for row in workspace.load_marks(run["athlete_id"]).iter_rows(named=True):
        day = words.day(days[row["run_id"]]) if row["run_id"] in days else "a run that is not here any more"
        where = units.span(row["start_m"], row["end_m"])
        is_here = row["run_id"] == run["run_id"]
        said = f"{where} of this run" if is_here else f"{where} of the run of {day}"
        href = run_url(row["run_id"]) if row["run_id"] in days and not is_here else ""
        found.append({"mark": row["mark_id"], "terrain": row["terrain"], "said": said, "href": href})
    return found


def _before(
    workspace: queries.Workspace, run: dict[str, Any], theme: Theme, units: Units
) -> html.Section | None:
    """The stretches of this run that others passed as well; a chart of none would be drawn all the same."""
    every = like_for_like.passes(workspace, run["athlete_id"])
    shared = like_for_like.shared_with(every, run["run_id"], units)
    if shared.is_empty():
        return None
    places = shared.filter(pl.col("mine")).select("stretch_id", "where").iter_rows()
    links = [
        dcc.Link(where, href=stretches_url(run["athlete_id"], stretch_id)) for stretch_id, where in places
    ]
    between = [part for link in links for part in (link, " · ")][:-1]
    return card(
        "These stretches before",
        html.P(metrics.usual_sentence(like_for_like.against_usual(shared)), className="sub"),
        figure_box(
            "run-repeats",
            "This run beside others on the same stretches",
            repeats.height_px(shared),
            {"CSV": data_url("repeats", run=run["run_id"])},
            repeats.beside_others(shared, theme),
            table_data(metrics.shared_table(shared)),
        ),
        html.P(["Each over time: ", *between], className="small"),
        sub=LIKE_FOR_LIKE,
    )


def _hidden(workspace: queries.Workspace, run: dict[str, Any], track: pl.DataFrame) -> str:
    """What a privacy zone hides of the run, as a sentence; empty where it hides nothing."""
    if workspace.load_zones(run["athlete_id"]).is_empty():
        return ""
    if track.is_empty():
        return "A privacy zone hides all of it; results are those of the whole run."
    first, last = track["elapsed_s"][0], track["elapsed_s"][-1]
    ends = {"the start": first > 0, "the end": last + 1 < (run["elapsed_s"] or 0.0)}
    found = " and ".join(name for name, is_hidden in ends.items() if is_hidden)
    return f"A privacy zone hides {found}; results are those of the whole run." if found else ""


def _head(workspace: queries.Workspace, run: dict[str, Any], units: Units, hidden: str) -> html.Div:
    previous, following = queries.neighbours(workspace, run)
    facts = [
        units.distance(run["distance_m"]),
        words.duration(run["moving_s"]) + " moving",
        units.pace(run["distance_m"], run["moving_s"]),
        units.height(run["ascent_m"]) + " up" if run["ascent_m"] is not None else "no altitude",
        run["device"] or "unknown device",
        words.percent(run["quality"], 0) + " of running cadence used",
    ]
    standing = (
        "Counts towards the answer."
        if run["counts"]
        else f"Does not count towards the answer: {run['counts_reason']}."
    )
    warnings = [html.Li(words.sentence_case(text)) for text in run["warnings"].split("; ") if text]
    return html.Div(
        [
            html.Div(
                [
                    html.P(
                        [dcc.Link("Runs", href=runs_url(run["athlete_id"])), f" / {run['athlete_id']}"],
                        className="eyebrow",
                    ),
                    html.H1(
                        f"Run of {words.day(run['local_date'])}" + (run["title"] and f": {run['title']}")
                    ),
                    html.P(" · ".join(fact for fact in facts if fact != words.NONE), className="lede"),
                    html.P(f"{standing} {hidden}".strip(), className="small"),
                    html.Ul(warnings, className="small") if warnings else None,
                ]
            ),
            html.Nav(
                [_step("Previous", "chevron-left", previous), _step("Next", "chevron-right", following)],
                className="steps",
                **named("Other runs"),
            ),
        ],
        className="head spread",
    )


def _step(text: str, picture: str, run_id: str | None) -> Any:
    parts: list[Any] = [icon(picture), text] if text == "Previous" else [text, icon(picture)]
    if run_id is None:
        return html.Span(parts, className="button off", **OFF)
    return dcc.Link(parts, href=run_url(run_id), className="button")


def _share(technical: float | None) -> list[Any]:
    """How much of the distance was technical ground, in words and as a bar."""
    if technical is None:
        return [html.P(NO_GROUND, className="small")]
    parts = {"smooth": 1 - technical, "technical": technical}
    bar = [html.Div(className=name, style={"flex": part}) for name, part in parts.items()]
    return [
        html.P(f"{words.percent(technical, 0)} of the distance on technical ground", className="sub"),
        html.Div(bar, className="share", **DECORATION),
    ]


def _grounds(
    workspace: queries.Workspace, run: dict[str, Any], stability: pl.DataFrame, units: Units
) -> list[dict[str, Any]]:
    """The run on its two grounds side by side, where it has any."""
    if run["technical_share"] is None:
        return []
    return table_data(tables.split_table(workspace.load_grounds(run["run_id"]), stability, units))
