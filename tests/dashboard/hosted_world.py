"""A hosted workspace of two runners and a coach, with a word planted in all that each of the runners has."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from dash import Dash
from flask.testing import FlaskClient

from dashboard.app import create_app
from pipeline import accounts, tables
from pipeline.ingest.balance_log import parse_balance_log
from pipeline.log_changes import take_in_log
from pipeline.plan import add_plan, draw_plan
from pipeline.privacy import draw_zone
from pipeline.results import Answer, FileResult, Origin
from pipeline.workspace import AccountBook, Workspace
from tests.workspace.workspace_builders import file_result, run_result, segments

SITE = "http://127.0.0.1:8050"
WORD = "correct horse battery"
RUNNERS = ("runner-ada", "runner-bob")
SHARED_RUN = 9
"""A recording that both have: they ran together, and the run has one number."""
NOW = datetime.now(UTC)


def canary(athlete_id: str) -> str:
    """The word that is in all texts of an athlete, and in no request."""
    return f"Kanarie{athlete_id[-3:].title()}"


def stretch_of(athlete_id: str) -> str:
    """The stretch of trail that the athlete's runs share."""
    return f"stretch-{athlete_id[-3:]}"


def mark_of(athlete_id: str) -> str:
    """The athlete's mark."""
    return f"mark-{athlete_id[-3:]}"


def numbers(athlete_id: str) -> list[int]:
    """The made-up recordings of an athlete."""
    own = [1, 2, 3, 4] if athlete_id == RUNNERS[0] else [5, 6, 7, 8]
    return [*own, SHARED_RUN]


def make_world(path: Path) -> Path:
    """Fill a workspace, and give all three an account."""
    with Workspace(path) as workspace:
        for athlete_id in RUNNERS:
            with workspace.writer_lock():
                _fill(workspace, athlete_id)
    with AccountBook(path) as book:
        for name, role in (*((name, "runner") for name in RUNNERS), ("carol", "coach"), ("root", "admin")):
            accounts.add_account(book, name, role, now=NOW)
    return path


def _fill(workspace: Workspace, athlete_id: str) -> None:
    word = canary(athlete_id)
    made = [run_result(number, athlete_id) for number in numbers(athlete_id)]
    runs = [
        replace(one, run={**one.run, "title": word, "device": word, "source_name": f"{word}.fit"})
        for one in made
    ]
    rejected = FileResult(
        f"{word}.gpx", hashlib.sha256(word.encode()).hexdigest(), 9, "rejected", 1, word, word
    )
    results = [*(file_result(run) for run in runs), rejected]
    workspace.commit(athlete_id, workspace.save_pack(athlete_id, runs), results)
    ids = [str(run.run["run_id"]) for run in runs]
    stored = workspace.load_runs(athlete_id)
    workspace.save_athlete(
        athlete_id,
        runs=stored,
        segments=pl.concat(
            segments(number, [(0, 60), (60, 120)]).with_columns(reasons=pl.lit(word))
            for number in numbers(athlete_id)
        ),
        stability=_stability(ids),
        answer=_answer(athlete_id, word),
        origins={run_id: Origin("a", "b", "c") for run_id in ids},
        repeats=_repeats(ids, stretch_of(athlete_id)),
    )
    log = f"date,drill,minutes,note\n2026-03-02,{word},10,{word}\n".encode()
    take_in_log(workspace, athlete_id, parse_balance_log("log.csv", log, athlete_id))
    workspace.save_answer(athlete_id, _answer(athlete_id, word))
    drawn = draw_plan(athlete_id, block_weeks=2, weeks=8, start=date(2031, 1, 6), drawn_at=NOW, seed=1)
    workspace.save_plans(athlete_id, add_plan(workspace.load_plans(athlete_id), drawn))
    workspace.save_zone(draw_zone(athlete_id, word, 12.0, -7.0, 300.0))
    mark = {"athlete_id": athlete_id, "mark_id": mark_of(athlete_id), "marked_at": NOW, "run_id": ids[0]}
    workspace.save_mark(mark | {"start_m": 0.0, "end_m": 100.0, "terrain": "smooth", "way": ""})
    workspace.add_job(athlete_id, job_of(athlete_id), [(f"{word}.zip", 5)], NOW)


def job_of(athlete_id: str) -> str:
    """The number of the athlete's upload, which is on its way."""
    return hashlib.md5(athlete_id.encode()).hexdigest()


def run_of(athlete_id: str) -> str:
    """A run that the athlete alone has."""
    return str(run_result(numbers(athlete_id)[0]).run["run_id"])


def _stability(ids: list[str]) -> Any:
    row = {"direction": "all", "metric": "cadence_cv", "value": 0.04, "low": 0.03, "high": 0.05}
    return tables.Stability.cast(
        pl.DataFrame(
            [
                {"run_id": run_id, "terrain": terrain, **row, "n_windows": 20, "seconds": 400.0}
                for run_id in ids
                for terrain in tables.TERRAINS
            ]
        ).select(tables.Stability.column_names())
    )


def _answer(athlete_id: str, word: str) -> Answer:
    row: dict[str, Any] = {
        name: None if column.nullable else 21 for name, column in tables.Effects.columns().items()
    }
    row |= {"athlete_id": athlete_id, "outcome": "technical", "n_runs": 4, "verdict": "cannot tell yet"}
    row |= {"estimate": -0.05, "low": -0.2, "high": 0.1, "se": 0.1, "df": 9, "p": 0.4, "weeks": 20.0}
    row |= {"detectable": 0.2, "dose_contrast": 1.0}
    row |= dict.fromkeys(("sentence", "missing", "cautions", "method"), word)
    effects = tables.Effects.cast(pl.DataFrame([row], schema=tables.Effects.create_empty().schema))
    empty = (tables.Dose, tables.DoseByCategory, tables.Residuals)
    dose, by_category, residuals = (table.create_empty() for table in empty)
    return Answer(dose, by_category, effects, residuals)


def _repeats(ids: list[str], stretch_id: str) -> Any:
    rows = [
        {
            "stretch_id": stretch_id,
            "run_id": run_id,
            "pass_in_run": again,
            "local_date": date(2026, 3, 2 + n),
            "start_s": 0.0,
            "end_s": 100.0,
            "start_m": 0.0,
            "end_m": 500.0,
            "grade_mean": 0.0,
            "technicality_mean": 0.6,
            "cadence_cv": 0.04 + n / 1000,
            "low": 0.03,
            "high": 0.05,
            "n_windows": 12,
            "seconds": 240.0,
        }
        for n, run_id in enumerate(ids)
        for again in (0, 1)
    ]
    return tables.Repeats.cast(pl.DataFrame(rows))


class Browser:
    """Somebody's browser: signed in, or a stranger's."""

    def __init__(self, app: Dash, token: str = "") -> None:
        app.server.config["PROPAGATE_EXCEPTIONS"] = False
        self.app = app
        self.client: FlaskClient = app.server.test_client(use_cookies=False)
        self.headers = {"Host": "127.0.0.1:8050", "Origin": SITE, "Cookie": f"surefoot={token}"}

    def ask(self, method: str, path: str, **given: Any) -> Any:
        """A request as a browser sends it from a page of the site."""
        return self.client.open(path, method=method, headers=self.headers, **given)

    def call(self, key: str, values: dict[str, Any]) -> Any:
        """A callback with these values by `id.property`."""
        spec = self.app.callback_map[key]
        names = key.strip(".").split("...") if key.startswith("..") else [key]
        outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]

        def filled(items: list[dict[str, str]]) -> list[dict[str, Any]]:
            return [{**item, "value": values[f"{item['id']}.{item['property']}"]} for item in items]

        body = {
            "output": key,
            "outputs": outputs if key.startswith("..") else outputs[0],
            "inputs": filled(spec["inputs"]),
            "changedPropIds": [f"{item['id']}.{item['property']}" for item in spec["inputs"][:1]],
            "state": filled(spec["state"]),
        }
        return self.ask("POST", "/_dash-update-component", json=body)


def sign_in(app: Dash, path: Path, name: str) -> Browser:
    """A browser in which this account is signed in."""
    with AccountBook(path) as book:
        return Browser(app, accounts.begin_session(book, name, datetime.now(UTC)))


def hosted(path: Path) -> Dash:
    """The dashboard with accounts."""
    return create_app(path, SITE)


def digest(path: Path, athlete_id: str | None = None) -> str:
    """Of all rows that are data, of one athlete or of all, and of the names and sizes of all files."""
    rows: list[str] = []
    with closing(sqlite3.connect(path / "catalogue.sqlite")) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (name,) in names:
            if name.startswith("account") and athlete_id is None:
                continue
            columns = [row[1] for row in connection.execute(f"SELECT * FROM pragma_table_info('{name}')")]
            if athlete_id is not None and "athlete_id" not in columns:
                continue
            where = "" if athlete_id is None else "WHERE athlete_id = ?"
            given = [] if athlete_id is None else [athlete_id]
            rows += sorted(
                f"{name} {row!r}" for row in connection.execute(f"SELECT * FROM {name} {where}", given)
            )
    if athlete_id is None:
        rows += sorted(
            f"{file.relative_to(path)} {file.stat().st_size}"
            for file in path.rglob("*")
            if file.is_file() and not file.name.startswith(("catalogue", "writer.lock"))
        )
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def said(answered: Any) -> str:
    """What an answer says, of an archive all that is packed in it."""
    content = answered.data
    if answered.mimetype == "application/zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = b"\n".join(archive.read(name) for name in archive.namelist())
    return str(content, "utf-8", "replace")
