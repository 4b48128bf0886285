"""The plan: designs side by side, a plan drawn, its calendar."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from browsing import WAIT_MS, Seen, serve
from fake_workspace import balance_sessions
from flask.testing import FlaskClient
from playwright.sync_api import expect

from dashboard.app import build_app
from dashboard.charts.designs import designs
from dashboard.memo import Memo
from dashboard.tables import designs_table
from pipeline.tables import BalanceSessions
from pipeline.workspace import Workspace

HOST = {"Host": "127.0.0.1:8050"}
START = datetime.now(UTC).date() + timedelta(days=30)
WANTED = {"block_weeks": 4, "weeks": 40, "start": START.isoformat()}
CHANGES = pl.DataFrame(
    {
        "design": ["as now"] * 2 + ["blocks of 4 weeks"] * 2,
        "weeks": [16, 26] * 2,
        "change": [0.2, None, 0.3, 0.1],
    }
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with the log of an athlete, who has no run yet."""
    with Workspace(tmp_path / "w") as workspace:
        workspace.save_balance_sessions("maya", BalanceSessions.validate(balance_sessions("maya")))
    return tmp_path / "w"


@pytest.fixture
def client(folder: Path) -> FlaskClient:
    """A client of the dashboard over that workspace."""
    return build_app(Workspace(folder, read_only=True)).server.test_client()


def _draw(client: FlaskClient, athlete_id: str = "maya", **changed: object) -> tuple[int, str]:
    answered = client.post(f"/_plan/draw?athlete={athlete_id}", json={**WANTED, **changed}, headers=HOST)
    return answered.status_code, answered.json["said"] if answered.is_json else ""


def test_a_drawn_plan_is_kept_with_its_calendar(client: FlaskClient, folder: Path) -> None:
    """Ten blocks, five of each kind, are in the workspace and in both files."""
    assert _draw(client)[0] == 200
    with Workspace(folder, read_only=True) as workspace:
        (plan,) = workspace.load_plans("maya").iter_rows(named=True)
    assert sorted(plan["schedule"]) == ["0"] * 5 + ["1"] * 5
    of_plan = f"athlete=maya&start={START}"
    ics = client.get(f"/_plan/calendar.ics?{of_plan}", headers=HOST)
    assert ics.mimetype == "text/calendar"
    assert ics.data.count(b"BEGIN:VEVENT") == 10
    weeks = client.get(f"/_plan/calendar.csv?{of_plan}", headers=HOST).text.splitlines()
    assert len(weeks) == 41
    assert sum(line.endswith(",yes") for line in weeks) == 20


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"weeks": 42}, 409, "42 weeks do not hold"),
        ({"start": "2020-01-06"}, 409, "drawn before it begins"),
        ({"start": "soon"}, 400, ""),
        ({"weeks": "40"}, 400, ""),
        ({"block_weeks": True}, 400, ""),
        ({"seed": 1}, 400, ""),
    ],
)
def test_what_cannot_be_drawn_is_said(
    client: FlaskClient, folder: Path, changed: dict[str, object], status: int, said: str
) -> None:
    """A plan that cannot be is refused in a sentence, a request that the page does not send plainly."""
    found, sentence = _draw(client, **changed)
    assert found == status
    assert said in sentence
    with Workspace(folder, read_only=True) as workspace:
        assert workspace.load_plans("maya").is_empty()


def test_nobody_has_no_plan(client: FlaskClient) -> None:
    """An unknown athlete, plan or kind of file is a 404."""
    assert _draw(client, "nobody")[0] == 404
    for path in ("calendar.ics?athlete=maya&start=2026-01-01", "calendar.pdf?athlete=maya"):
        assert client.get(f"/_plan/{path}", headers=HOST).status_code == 404


def test_designs_have_signs_of_their_own() -> None:
    """Each design is a line in per cent with its own sign and dash; what cannot be fitted is left out."""
    now, blocks = designs(CHANGES).data
    assert (now.x, now.y) == ((16,), (20.0,))
    assert (blocks.x, blocks.y) == ((16, 26), (30.0, 10.0))
    assert now.marker.symbol != blocks.marker.symbol
    assert now.line.dash != blocks.line.dash


def test_designs_stand_side_by_side() -> None:
    """The table has a row a design and a column a length."""
    table = designs_table(CHANGES)
    assert table.columns == ["Design", "16 weeks", "26 weeks"]
    assert [json.dumps(row) for row in table.rows()] == [
        '["as now", "20\\u00a0%", "\\u2013"]',
        '["blocks of 4 weeks", "30\\u00a0%", "10\\u00a0%"]',
    ]


def test_what_took_long_is_kept_until_the_workspace_changes() -> None:
    """The same key is made once, and again in another state of the catalogue; without one, each time."""
    made: list[int] = []
    states = [(), (), (1,), (1,), (1, 2)]
    memo = Memo(lambda: states.pop(0))

    def make() -> int:
        made.append(1)
        return len(made)

    assert [memo("a", make), memo("a", make)] == [1, 2]
    assert [memo("a", make), memo("a", make)] == [3, 3]
    assert memo("a", make) == 4


def test_a_plan_is_drawn_on_the_page(desktop: Seen, folder: Path) -> None:
    """The button draws, the page says so, and the blocks and their calendar appear."""
    with serve(Workspace(folder, read_only=True)) as address:
        page = desktop.open(f"{address}/athlete/maya/plan", "#plan-designs .main-svg")
        expect(page.locator("#plan-start")).not_to_have_value("", timeout=WAIT_MS)
        page.get_by_label("First day").fill(START.isoformat())
        expect(page.locator("#plan-start")).to_have_value(START.isoformat())
        page.get_by_role("button", name="Draw by lot and keep").click()
        expect(page.locator("#plan-kept tbody tr")).to_have_count(10, timeout=WAIT_MS)
        with page.expect_download(timeout=WAIT_MS) as saved:
            page.get_by_role("link", name="Calendar (ICS)").click()
        assert saved.value.suggested_filename == f"plan-{START}.ics"
    assert desktop.complaints == []
