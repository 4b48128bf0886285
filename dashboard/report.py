"""The answer as one HTML file that needs nothing else: to keep, to print, to send to a coach."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

import plotly.graph_objects as go
import plotly.io as pio
import polars as pl

from dashboard import plotly_js, queries, tables, theme, words
from dashboard.charts.interval import interval
from dashboard.charts.trend import trend
from pipeline.errors import SurefootError

N_LAST_RUNS = 20
FONT_FILE = Path(__file__).parent / "assets" / "fonts" / "inter-latin-wght-normal.woff2"
# The file may load nothing at all: what it shows is inside it.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:"
)
HOW_TO_READ = (
    "Variability is how much cadence varies within 20 s of running on one kind of ground, after what speed "
    "and grade explain, as a share of mean cadence. Lower is steadier.",
    "The answer is the change of variability that goes with 45 more minutes of balance work a week, with "
    "smooth ground of the same run and the trend of the season taken into account. Intervals made this way "
    "hold the true value in 95 of 100 cases.",
    "It is an association, not proof: what else changed in the same weeks cannot be told apart from balance "
    "work without a randomised plan.",
    "Steadiness of two watches cannot be compared: a change of watch is a dotted line that no line crosses.",
)
STYLE = """
@font-face{font-family:"Inter Variable";src:url(data:font/woff2;base64,FONT) format("woff2");
font-weight:100 900}
body{background:var(--card);color:var(--ink);font:15px/1.55 var(--font);font-feature-settings:"tnum" 1;
max-width:980px;margin:0 auto;padding:32px 24px 56px}
h1{font-size:28px;letter-spacing:-.02em;line-height:1.2;margin:0 0 8px}
h2{font-size:18px;margin:34px 0 6px}
p{max-width:76ch;margin:6px 0}
.eyebrow,.note{color:var(--muted);font-size:13.5px}
.wide{overflow-x:auto}
.table{border-collapse:collapse;width:max-content;min-width:100%;font-size:13.5px}
.table th{color:var(--muted);font-weight:600;text-align:left}
.table th,.table td{padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top;
max-width:44ch;overflow-wrap:anywhere}
.table .number{text-align:right}.table .number,.table td:first-child{white-space:nowrap}
.table td{overflow-wrap:break-word}
section.athlete+section.athlete{border-top:2px solid var(--line);margin-top:48px;padding-top:32px}
@media print{body{max-width:none;padding:0;font-size:12px}.table{width:100%;font-size:11px}
h2{break-after:avoid}figure,tr{break-inside:avoid}
details{display:none}section.athlete+section.athlete{break-before:page;border:0}}
figure{margin:8px 0}
"""


def write_report(workspace: queries.Workspace, athlete_ids: Sequence[str], path: Path) -> None:
    """Write the report of some athletes to `path`: the whole new file is there, or what was before.

    Raises
    ------
    SurefootError : an athlete is not in the workspace, or the file cannot be written.
    """
    known = workspace.athletes()
    if not athlete_ids:
        raise SurefootError("there is no athlete to report on", "`surefoot analyse` makes one")
    for athlete_id in athlete_ids:
        if athlete_id not in known:
            raise SurefootError(
                f"no athlete {athlete_id} is in the workspace", "`surefoot status` lists them"
            )
    _write_whole(Path(path), render_report(workspace, athlete_ids))


def render_report(workspace: queries.Workspace, athlete_ids: Sequence[str]) -> str:
    """The report as a text of HTML."""
    font = base64.b64encode(FONT_FILE.read_bytes()).decode("ascii")
    sections = [_athlete(workspace, athlete_id, number) for number, athlete_id in enumerate(athlete_ids)]
    title = "Surefoot: " + ", ".join(athlete_ids)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{theme.css_variables()}{STYLE.replace("FONT", font)}</style>
<script>{plotly_js.FILE.read_text(encoding="utf-8")}</script>
</head>
<body><main>
{"".join(sections)}
{_how_to_read()}
</main></body>
</html>
"""


def _athlete(workspace: queries.Workspace, athlete_id: str, number: int) -> str:
    answer = queries.load_answer(workspace, athlete_id)
    runs = queries.trend_runs(workspace, athlete_id)
    every = workspace.load_runs(athlete_id)
    last = queries.run_table(workspace, athlete_id).head(N_LAST_RUNS)
    drawn = trend(
        runs,
        queries.weekly_balance(workspace, athlete_id),
        queries.device_breaks(every),
        queries.usual_ranges(workspace, athlete_id),
        queries.unmeasured_runs(workspace, athlete_id),
    )
    parts = [
        f'<section class="athlete"><p class="eyebrow">{escape(athlete_id)}{_period(every)}</p>',
        _answer(answer, number),
        "<h2>Every run, and the balance work beside it</h2>",
        '<p class="note">Each mark is one run with its 95 % interval; lower is steadier. Diamonds: technical '
        "ground. Circles: smooth ground. Hollow marks and crosses do not count. Dashed: the usual range of "
        "the 8 weeks before the latest run.</p>",
        _figure(drawn, f"trend-{number}", "Cadence variability of every run, and weekly balance minutes"),
        f"<details><summary>The same as a table</summary>{_table(tables.trend_table(runs))}</details>",
    ]
    if not answer.robustness.is_empty():
        parts += [
            "<h2>Asked in other ways</h2>",
            f'<p class="note">{tables.ROBUSTNESS_NOTE}</p>',
            _table(tables.robustness_table(answer.robustness)),
        ]
    parts += [
        f"<h2>The last {words.count(last.height, 'run')}</h2>",
        _table(tables.last_runs_table(last, queries.units_of(workspace, athlete_id))),
    ]
    facts = pl.DataFrame(
        queries.data_quality(workspace, athlete_id), schema=["What", "How it is"], orient="row"
    )
    return "\n".join([*parts, "<h2>Data quality</h2>", _table(facts), "</section>"])


def _answer(answer: queries.Answer, number: int) -> str:
    row = answer.headline
    if row is None:
        have = f"{words.count(answer.n_runs, 'run')} read, {answer.n_counting} of them count"
        logged = words.count(answer.n_sessions, "balance exercise")
        return f"<h1>Nothing to say yet.</h1><p>{have}; {logged} logged.</p>"
    parts = [
        f"<h1>{escape(words.sentence_case(row['verdict']))}.</h1>",
        f"<p>{escape(row['sentence'])}</p>",
    ]
    if row["missing"]:
        parts.append(f"<p><strong>What is missing:</strong> {escape(row['missing'])}</p>")
    if answer.has_estimate:
        drawn = interval(row["estimate"], row["low"], row["high"], row["detectable"])
        parts += [
            _figure(drawn, f"interval-{number}", "Interval of the answer"),
            f'<p class="note">{words.change(row["estimate"])} per +45 min/week; 95 % interval '
            f"{words.change_range(row['low'], row['high'])}; n = {words.count(row['n_runs'], 'run')} in "
            f"{row['weeks']:.0f} weeks; a change of {words.percent(row['detectable'], 0)} could be seen; "
            f"half-life of the dose {row['half_life_days']:g} days; method {escape(row['method'])}.</p>",
        ]
    cautions = [text for text in row["cautions"].split("; ") if text]
    if cautions:
        listed = "".join(f"<li>{escape(words.sentence_case(text))}</li>" for text in cautions)
        parts.append(f"<p><strong>What speaks against reading more into it</strong></p><ul>{listed}</ul>")
    parts.append(f"<p><strong>The plain correlation</strong></p><p>{escape(words.naive_words(row))}</p>")
    return "\n".join(parts)


def _period(runs: pl.DataFrame) -> str:
    if runs.is_empty():
        return ""
    first, last = runs["local_date"].min(), runs["local_date"].max()
    return f" · runs from {words.day(first)} to {words.day(last)}"  # type: ignore[arg-type]


def _figure(figure: go.Figure, name: str, label: str) -> str:
    drawn = pio.to_html(
        figure,
        full_html=False,
        include_plotlyjs=False,
        div_id=name,
        config={"displayModeBar": False, "responsive": True, "plotlyServerURL": ""},
    )
    return f'<figure role="figure" aria-label="{escape(label)}">{drawn}</figure>'


def _table(frame: pl.DataFrame) -> str:
    sides = [' class="number"' if name in tables.RIGHT_ALIGNED else "" for name in frame.columns]
    head = "".join(
        f'<th scope="col"{side}>{escape(name)}</th>' for name, side in zip(frame.columns, sides, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{side}>{escape(text)}</td>" for text, side in zip(row, sides, strict=True))
        + "</tr>"
        for row in frame.iter_rows()
    )
    return (
        f'<div class="wide"><table class="table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _how_to_read() -> str:
    return (
        "<section><h2>How to read this</h2>"
        + "".join(f"<p>{text}</p>" for text in HOW_TO_READ)
        + "</section>"
    )


def _write_whole(path: Path, text: str) -> None:
    """Write beside the target, then rename: a reader never sees half a file."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", suffix=".tmp", delete=False
        ) as file:
            temporary = Path(file.name)
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                temporary.chmod(0o644)
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise SurefootError(
            f"the report cannot be written to {path} ({error.strerror})", "choose a folder you may write to"
        ) from None
