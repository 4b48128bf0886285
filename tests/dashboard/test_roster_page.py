"""The roster: its rows, its order, and what is drawn of it."""

import re
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl
import pytest
from browsing import WAIT_MS, Seen, serve
from fake_workspace import GROUP, HOSTILE, FakeWorkspace
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect

from dashboard.app import build_app
from dashboard.charts.forest import TOGETHER, forest, height_px
from dashboard.components import data_url, roster_url
from dashboard.memo import KeptWorkspace
from dashboard.pages.roster import grid_rows, group_of
from dashboard.roster import CALM, choose, roster_answer, roster_table, with_groups
from pipeline.adherence import Thresholds, count_weeks_in_plan
from pipeline.tables import BalanceSessions
from pipeline.workspace import FileResult, Workspace
from tests.workspace.workspace_builders import sha

TODAY = date(2026, 11, 29)
HOST = {"Host": "127.0.0.1:8050"}


@pytest.fixture(scope="module")
def table(workspace: FakeWorkspace) -> pl.DataFrame:
    """The roster of the invented runners."""
    return with_groups(roster_table(workspace, workspace.athletes(), TODAY), workspace.load_groups())


def test_the_most_urgent_stand_first(table: pl.DataFrame) -> None:
    """Rows are in the order of urgency, then of names; nobody is left out."""
    order = list(table.select("urgency", "athlete_id").iter_rows())
    assert order == sorted(order)
    assert set(table["athlete_id"]) == set(FakeWorkspace.RUNS)
    urgent = table.filter(pl.col("urgency") < CALM)
    assert urgent["why"].str.len_chars().min() > 0


def test_technical_minutes_are_of_the_last_four_weeks(table: pl.DataFrame, workspace: FakeWorkspace) -> None:
    """Each run of the last 28 days is in the sum, added up by hand, and no other."""
    runs = workspace.load_runs("maya")
    rows = [row for row in runs.iter_rows(named=True) if (TODAY - row["local_date"]).days <= 28]
    assert rows
    found = table.filter(athlete_id="maya")["technical_min"][0]
    assert found == pytest.approx(sum(row["technical_s"] for row in rows) / 60)


def test_every_row_leads_to_its_athlete(table: pl.DataFrame) -> None:
    """A hostile name is text, and its address is encoded."""
    rows = {row["athlete"]: row for row in grid_rows(table)}
    assert rows[HOSTILE]["href"].startswith("/athlete/%3Cimg")
    assert rows["new runner/2"]["in_plan"] == "–"
    assert rows["maya"]["verdict"] == "cannot tell yet"


@pytest.mark.parametrize(("until", "expected"), [(date(2026, 3, 1), (2, 4)), (date(2026, 2, 10), (0, 1))])
def test_weeks_in_plan_by_hand(until: date, expected: tuple[int, int]) -> None:
    """Of weeks with 1, 2, 3 and 4 sessions two are in a plan of 2 to 3; a week that runs is not counted."""
    monday = date(2026, 2, 2)
    days = [monday + timedelta(days=7 * week + 1 + n) for week in range(4) for n in range(week + 1)]
    rows = [
        {"session_id": str(day), "athlete_id": "a", "date": day, "drill": "wobble board", "category": "x"}
        | {"minutes": 10.0}
        for day in days
    ]
    frame = pl.DataFrame(rows, schema_overrides={"date": pl.Date})
    log = BalanceSessions.validate(
        pl.concat([BalanceSessions.create_empty(), frame], how="diagonal_relaxed"), cast=True
    )
    kept, weeks = count_weeks_in_plan(log, until=until, thresholds=Thresholds())
    assert (kept, weeks) == expected


def test_nothing_logged_is_no_week() -> None:
    """Without a log there are no weeks to keep to."""
    empty = BalanceSessions.create_empty()
    assert count_weeks_in_plan(empty, until=TODAY, thresholds=Thresholds()) == (0, 0)


def test_the_forest_draws_each_interval(workspace: FakeWorkspace) -> None:
    """Marks and bars stand at the stored estimates; so few athletes have no verdict together."""
    own, answer = roster_answer(workspace, workspace.athletes())
    figure = forest(own, (-0.05, -0.12, 0.03))
    athletes, together = figure.data
    assert athletes.x == tuple(100 * own["estimate"])
    assert athletes.x[0] + athletes.error_x.array[0] == pytest.approx(100 * own["high"][0])
    assert together.x[0] - together.error_x.arrayminus[0] == pytest.approx(-12)
    assert figure.layout.yaxis.ticktext[-1] == TOGETHER
    assert figure.layout.height == height_px(own.height)
    assert "<img" not in "".join(figure.layout.yaxis.ticktext)
    assert answer.verdict == "not enough athletes"


def test_a_group_is_its_athletes_alone(workspace: FakeWorkspace) -> None:
    """Who is chosen, their rows and their pooled answer are those of the group, of an unknown one nobody."""
    assert choose(workspace, "") == workspace.athletes()
    juniors = choose(workspace, "juniors")
    assert juniors == ["maya", HOSTILE]
    alone, everyone = (
        roster_table(workspace, athletes, TODAY) for athletes in (juniors, workspace.athletes())
    )
    assert alone.equals(everyone.filter(pl.col("athlete_id").is_in(juniors)))
    own, answer = roster_answer(workspace, ["maya"])
    assert (own["athlete_id"].to_list(), answer.athlete_ids) == (["maya"], ("maya",))
    assert choose(workspace, "nobody's") == []


def test_the_names_of_groups_stand_beside_an_athlete(table: pl.DataFrame) -> None:
    """All of an athlete's, sorted; who is in none has none."""
    names = dict(table.select("athlete_id", "groups").iter_rows())
    assert names == {"maya": "juniors", "new runner/2": "", HOSTILE: f"{GROUP}, juniors"}


PRINTABLE = st.characters(exclude_categories=("C", "Z"), include_characters=" ")


@given(st.text(PRINTABLE, min_size=1, max_size=30))
def test_the_address_of_a_group_is_read_again(name: str) -> None:
    """Whatever a group is called, the address of its roster names it and nothing else."""
    assert name.isprintable()
    address = urlsplit(roster_url(name))
    assert (address.path, group_of(f"?{address.query}")) == ("/roster", name)
    assert group_of(None) == group_of("") == group_of("?month=2026-03") == ""


@pytest.mark.parametrize("name", ["roster", "forest"])
def test_the_files_of_a_group_have_its_athletes_alone(workspace: FakeWorkspace, name: str) -> None:
    """Also of a group with a hostile name; an unknown group is not found."""
    client = build_app(workspace).server.test_client()
    for group, athletes in (
        ("juniors", {"maya", HOSTILE}),
        (GROUP, {HOSTILE}),
        ("", set(workspace.athletes())),
    ):
        found = pl.read_csv(client.get(data_url(name, group=group), headers=HOST).data)
        assert set(found["athlete_id"]) == (athletes - {"new runner/2"} if name == "forest" else athletes)
    assert client.get(data_url(name, group="none"), headers=HOST).status_code == 404


def test_a_coach_names_a_group_and_looks_at_it(desktop: Seen, tmp_path: Path) -> None:
    """By keyboard: what is written into the column is kept, what is no name is refused and shown as it was;
    the group's link shows its athletes alone, and back all again."""
    with Workspace(tmp_path / "w") as workspace:
        for n, athlete_id in enumerate(("ann", "bob", "cid")):
            result = FileResult(f"{athlete_id}.fit", sha(n), 9, "rejected", 1, "no run", "try again")
            workspace.commit(athlete_id, None, [result])
    with KeptWorkspace(tmp_path / "w") as workspace, serve(workspace) as address:
        page = desktop.open(f"{address}/roster", ".ag-row a")

        def write(row: int, text: str) -> None:
            cell = page.locator(f'.ag-row[row-index="{row}"] [col-id="groups"]')
            cell.press("Enter")
            expect(cell.locator("input")).to_be_focused(timeout=WAIT_MS)
            page.keyboard.type(text)
            # The rows and the links are made anew once it is kept: whoever presses before that presses air.
            with page.expect_response(re.compile("_dash-update-component"), timeout=WAIT_MS):
                page.keyboard.press("Enter")

        told, links = page.locator("#roster-told"), page.locator(".ag-row a")
        write(1, "injured, juniors")
        expect(told).to_have_text("Saved: bob is in injured, juniors.", timeout=WAIT_MS)
        expect(page.locator(".pills")).to_contain_text("juniors", timeout=WAIT_MS)
        assert workspace.load_groups().rows() == [("bob", "injured"), ("bob", "juniors")]
        write(0, "x" * 41)
        expect(told).to_have_text(re.compile("^Not saved: "), timeout=WAIT_MS)
        page.locator(".pills a", has_text="injured").click()
        expect(page.locator(".pills .here")).to_contain_text("injured", timeout=WAIT_MS)
        expect(links).to_have_text(["bob"], timeout=WAIT_MS)
        expect(page).to_have_url(f"{address}/roster?group=injured")
        expect(page.locator("#roster-forest-csv")).to_have_attribute(
            "href", "/_data/forest.csv?group=injured"
        )
        page.go_back()
        expect(links).to_have_count(3, timeout=WAIT_MS)
        page.goto(f"{address}/roster?group=%3Cb%3E")
        expect(page.locator("h1")).to_have_text("There is no group “<b>”.", timeout=WAIT_MS)
    assert [text for text in desktop.complaints if "409" not in text] == []


def test_a_coach_goes_from_the_roster_to_an_athlete(desktop: Seen, workspace: FakeWorkspace) -> None:
    """The first row is the most urgent, its link opens the athlete, and back returns."""
    with serve(workspace) as address:
        page = desktop.open(f"{address}/roster", ".ag-row a")
        page.wait_for_selector("#roster-forest .main-svg", timeout=WAIT_MS)
        link = page.locator('.ag-row[row-index="0"] a')
        href = link.get_attribute("href")
        link.click()
        expect(page).to_have_url(f"{address}{href}", timeout=WAIT_MS)
        page.go_back()
        page.wait_for_selector(".ag-row a", timeout=WAIT_MS)
    assert desktop.complaints == []
