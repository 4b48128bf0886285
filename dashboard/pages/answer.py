"""The home page: does balance work steady this runner's cadence on rough ground, as far as can be said."""

from __future__ import annotations

import shlex
from typing import Any
from urllib.parse import parse_qs

import polars as pl
from dash import Dash, Input, Output, dcc, html

from dashboard import queries, tables, words
from dashboard.beside_answer import left_over, other_half_lives, plain_correlation, register_beside
from dashboard.charts import interval, trend
from dashboard.components import (
    EMPTY_FIGURE,
    answer_url,
    card,
    command,
    data_url,
    figure_box,
    figure_tile,
    in_browser,
    mark,
    named,
    register_tables,
    table_data,
    table_rows,
    table_slot,
)
from dashboard.first_steps import empty_workspace, no_runs, unknown_athlete, way_on
from dashboard.setting_words import work_on_answer
from dashboard.theme import by_scheme
from pipeline.exposure import HALF_LIFE_DAYS

TITLE = "Answer"
PERIODS_WEEKS = (52, 26, 12)


def layout(athlete_id: str = "") -> html.Div:
    """The page without data; an empty id stands for the workspace's first athlete."""
    return html.Div(
        [
            dcc.Store(id="answer-athlete", data=athlete_id),
            dcc.Store(id="answer-waiting"),
            html.Div(id="answer-head"),
            html.P(id="answer-due", className="small", role="status"),
            html.P(id="answer-marked", className="small"),
            html.Div(
                [
                    html.Div(
                        card(
                            "The answer as an interval",
                            figure_box(
                                "answer-interval",
                                "Interval of the answer",
                                interval.HEIGHT_PX,
                                {"CSV": data_url("answer", athlete=athlete_id)},
                            ),
                            html.Div(id="answer-facts"),
                            sub="Diamond: the estimate. Line: its 95 % interval. Small ticks: changes inside "
                            "them could not have been seen.",
                        ),
                        id="answer-interval-card",
                    ),
                    html.Div(id="answer-tiles", className="tiles"),
                    card(
                        "Every run, and the balance work beside it",
                        html.Nav(id="answer-periods", className="periods", **named("Weeks shown")),
                        figure_box(
                            "answer-trend",
                            "Cadence variability of every run, and weekly balance minutes",
                            trend.HEIGHT_PX,
                            {
                                "CSV by run": data_url("trend", athlete=athlete_id),
                                "CSV by week": data_url("balance", athlete=athlete_id),
                            },
                        ),
                        sub="Each mark is one run with its 95 % interval; lower is steadier. Hollow marks "
                        "and crosses do not count: point at one for the reason. Dashed: the usual range of "
                        "the 8 weeks before the latest run. Lines do not cross a change of watch: levels of "
                        "two watches cannot be compared. The figures beside them are where they end.",
                    ),
                    html.Div(
                        card(
                            "Asked in other ways",
                            table_slot("answer-robustness", "The question asked in other ways"),
                            sub=tables.ROBUSTNESS_NOTE,
                        ),
                        id="answer-robustness-card",
                    ),
                    other_half_lives(athlete_id),
                    plain_correlation(athlete_id),
                    left_over(athlete_id),
                ],
                id="answer-body",
                className="stack",
                hidden=True,
            ),
        ],
        className="stack",
    )


def register(app: Dash, workspace: queries.Workspace) -> None:
    """Fill the page from the workspace."""
    register_tables(
        app,
        "answer-interval-table",
        "answer-trend-table",
        "answer-robustness",
    )
    register_beside(app, workspace)

    @app.callback(
        output={
            "head": Output("answer-head", "children"),
            "marked": Output("answer-marked", "children"),
            "hidden": Output("answer-body", "hidden"),
            "tiles": Output("answer-tiles", "children"),
            "interval": Output("answer-interval", "figure"),
            "interval_table": Output(table_rows("answer-interval-table"), "data"),
            "interval_hidden": Output("answer-interval-card", "hidden"),
            "facts": Output("answer-facts", "children"),
            "trend": Output("answer-trend", "figure"),
            "trend_table": Output(table_rows("answer-trend-table"), "data"),
            "robustness": Output(table_rows("answer-robustness"), "data"),
            "robustness_hidden": Output("answer-robustness-card", "hidden"),
            "half_lives_hidden": Output("answer-half-lives-card", "hidden"),
            "dose_hidden": Output("answer-dose-card", "hidden"),
            "naive": Output("answer-naive", "children"),
            "leftover_hidden": Output("answer-leftover-card", "hidden"),
            "periods": Output("answer-periods", "children"),
        },
        inputs={
            "athlete_id": Input("answer-athlete", "data"),
            "scheme": Input("colours", "data"),
            "search": Input("url", "search"),
        },
    )
    def fill(athlete_id: str | None, scheme: str | None, search: str | None) -> dict[str, Any]:
        return _contents(workspace, athlete_id or "", scheme, _period_of(search))

    @app.callback(
        Output("answer-due", "children"), Output("answer-waiting", "data"), Input("answer-athlete", "data")
    )
    def wait(athlete_id: str | None) -> tuple[str, str]:
        athletes = workspace.athletes()
        whose = athlete_id or next(iter(athletes), "")
        due = _due(workspace, whose) if whose in athletes else ""
        return due, whose if due else ""

    in_browser(app, "watchAnswer", Input("answer-waiting", "data"))


def _due(workspace: queries.Workspace, athlete_id: str) -> str:
    """What is to be said while the answer is being made again; empty otherwise."""
    work = work_on_answer(workspace, athlete_id)
    before = "" if work["answered"] is None else f", what is shown has {work['answered']:g}"
    said = f"The answer is being made again, with a half-life of {work['declared']:g} days{before} …"
    return said if work["is_open"] else ""


def _period_of(search: str | None) -> int | None:
    """The weeks that an address asks for, None for all and for anything that no link here says."""
    asked = parse_qs((search or "").lstrip("?")).get("weeks", [""])[0]
    return int(asked) if asked in [str(weeks) for weeks in PERIODS_WEEKS] else None


def _periods(athlete_id: str, shown: int | None) -> list[Any]:
    """Links to the trend of the last weeks."""
    return [
        dcc.Link(
            "All" if weeks is None else f"{weeks} weeks",
            href=answer_url(athlete_id) + ("" if weeks is None else f"?weeks={weeks}"),
            className="period here" if weeks == shown else "period",
        )
        for weeks in (None, *PERIODS_WEEKS)
    ]


def _contents(
    workspace: queries.Workspace, athlete_id: str, scheme: str | None, period: int | None
) -> dict[str, Any]:
    athletes = workspace.athletes()
    if not athletes:
        return _only(empty_workspace())
    athlete_id = athlete_id or athletes[0]
    if athlete_id not in athletes:
        return _only(unknown_athlete(athlete_id, athletes))
    answer = queries.load_answer(workspace, athlete_id)
    if not answer.n_runs:
        return _only(no_runs(athlete_id))
    theme = by_scheme(scheme)
    runs = queries.trend_runs(workspace, athlete_id)
    weeks = queries.weekly_balance(workspace, athlete_id)
    row = answer.headline
    filled = {
        "head": _head(answer, athlete_id),
        "marked": _marked(workspace.load_marks(athlete_id)["terrain"].to_list()),
        "hidden": False,
        "tiles": _tiles(queries.recent(workspace, athlete_id), answer),
        "interval": EMPTY_FIGURE,
        "interval_table": None,
        "interval_hidden": not answer.has_estimate,
        "facts": None,
        "trend": trend.trend(
            runs,
            weeks,
            queries.device_breaks(workspace.load_runs(athlete_id)),
            queries.usual_ranges(workspace, athlete_id),
            queries.unmeasured_runs(workspace, athlete_id),
            theme,
            last_weeks=period,
        ),
        "trend_table": table_data(
            tables.trend_table(runs), *([] if weeks.is_empty() else [tables.balance_table(weeks)])
        ),
        "robustness": table_data(tables.robustness_table(answer.robustness)),
        "robustness_hidden": answer.robustness.is_empty(),
        "half_lives_hidden": not answer.has_estimate,
        "dose_hidden": queries.dose_pairs(workspace, athlete_id).is_empty(),
        "naive": words.naive_words(row),
        "leftover_hidden": workspace.load_residuals(athlete_id).is_empty(),
        "periods": _periods(athlete_id, period),
    }
    if answer.has_estimate and row is not None:
        filled["interval"] = interval.interval(
            row["estimate"], row["low"], row["high"], row["detectable"], theme
        )
        filled["interval_table"] = table_data(
            tables.robustness_table(pl.DataFrame([row], infer_schema_length=None))
        )
        filled["facts"] = _facts(row)
    return filled


def _marked(terrains: list[str]) -> str:
    """What of the ground is the runner's own word; empty where nothing is."""
    said = [f"{terrains.count(name)} as {name}" for name in ("technical", "smooth") if name in terrains]
    return f"Stretches marked by hand, for every run over them: {', '.join(said)}." if said else ""


def _only(head: html.Div) -> dict[str, Any]:
    """A page of words alone."""
    drawn = ("interval", "trend")
    charts = dict.fromkeys(drawn, EMPTY_FIGURE)
    texts = dict.fromkeys(
        (*(f"{name}_table" for name in drawn), "robustness", "marked", "tiles", "facts", "naive")
    )
    texts["periods"] = None
    cards = ("interval", "robustness", "half_lives", "dose", "leftover")
    hidden = dict.fromkeys(("hidden", *(f"{card}_hidden" for card in cards)), True)
    return {"head": head, **charts, **texts, **hidden}


def _head(answer: queries.Answer, athlete_id: str) -> html.Div:
    if answer.headline is None:
        return _nothing_to_say(answer, athlete_id)
    row = answer.headline
    children = [
        html.P(athlete_id, className="eyebrow"),
        html.H1(words.sentence_case(row["verdict"]) + "."),
        html.P(words.with_days(row["sentence"]), className="lede"),
    ]
    if row["missing"]:
        children += way_on(row, athlete_id)
    if not answer.has_estimate:
        children.append(html.Ul([*_left_out(answer), *_cautions(row)], className="small"))
    return html.Div(children, className="head")


def _left_out(answer: queries.Answer) -> list[html.Li]:
    """What keeps runs from counting, the commonest reason first."""
    n = answer.n_runs - answer.n_counting
    not_counting = f"{words.count(n, 'run')} {'does' if n == 1 else 'do'} not count: {answer.left_out}"
    return [html.Li(not_counting)] if n else []


def _cautions(row: dict[str, Any]) -> list[html.Li]:
    texts = [text for text in row["cautions"].split("; ") if text]
    return [html.Li(words.sentence_case(words.with_days(text))) for text in texts]


def _nothing_to_say(answer: queries.Answer, athlete_id: str) -> html.Div:
    """Runs, but no answer yet: what there is, and the next command."""
    name = shlex.quote(athlete_id)
    if answer.n_sessions:
        step = "Both are here. The next command works the answer out."
        lines = [f"surefoot effect --athlete {name}"]
    else:
        step = "A balance log is missing: a CSV file with a date, a drill and minutes in each row."
        lines = [f"surefoot log FILE --athlete {name}", f"surefoot effect --athlete {name}"]
    have = f"{words.count(answer.n_runs, 'run')} read, {answer.n_counting} of them count"
    return html.Div(
        [
            html.P(athlete_id, className="eyebrow"),
            html.H1("Nothing to say yet."),
            html.P(
                f"{have}; {words.count(answer.n_sessions, 'balance exercise')} logged. {step}",
                className="lede",
            ),
            command(*lines),
        ],
        className="head",
    )


def _declared(row: dict[str, Any]) -> str:
    return "as declared" if row["half_life_days"] == HALF_LIFE_DAYS else "set by hand"


def _facts(row: dict[str, Any]) -> html.Div:
    detectable = words.NONE if row["detectable"] is None else f"{words.percent(row['detectable'], 0)} or more"
    sceptical = words.NONE if row["sceptical"] is None else words.change(row["sceptical"])
    facts = {
        "Estimate": words.change(row["estimate"]),
        "95 % interval": words.change_range(row["low"], row["high"]),
        "Runs": f"{row['n_runs']} in {row['weeks']:.0f} weeks",
        "Could have been seen": detectable,
        "Sceptical reading": sceptical,
        "Half-life of the dose": f"{row['half_life_days']:g} days, {_declared(row)}",
    }
    pairs = [html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts.items()]
    cautions = _cautions(row)
    caution_list = [html.P("What speaks against reading more into it", className="label"), html.Ul(cautions)]
    method = html.P(f"Method: {row['method']}", className="label")
    return html.Div([html.Dl(pairs, className="facts"), *(caution_list if cautions else []), method])


def _in_answer(answer: queries.Answer) -> str:
    """How many of the runs that count the answer takes, where that is not all of them."""
    taken = answer.headline["n_runs"] if answer.headline else answer.n_counting
    return f", {taken} of them in the answer" if taken < answer.n_counting else ""


_FEW = ("no run that counts yet", "of the only run that counts")


def _tiles(recent: dict[str, Any], answer: queries.Answer) -> list[html.Div]:
    def note(terrain: str) -> str:
        n = recent[f"{terrain}_n"]
        return f"median of the last {words.count(n, 'run')} that count" if n > 1 else _FEW[n]

    minutes = recent["balance_min_per_week"]
    until = recent["balance_until"]
    return [
        figure_tile(
            [mark("technical"), "Technical variability"],
            words.percent(recent["technical"]),
            note("technical"),
        ),
        figure_tile([mark("smooth"), "Smooth variability"], words.percent(recent["smooth"]), note("smooth")),
        figure_tile(
            "Balance work",
            words.number(minutes, "min/week"),
            f"mean of {queries.RECENT_WEEKS} weeks to {words.day(until)}" if until else "nothing logged",
        ),
        figure_tile(
            "Runs that count",
            str(answer.n_counting),
            f"of {words.count(answer.n_runs, 'run')} read{_in_answer(answer)}",
        ),
    ]
