"""The roster: its rows, its order, and what is drawn of it."""

from datetime import date, timedelta

import polars as pl
import pytest
from browsing import WAIT_MS, Seen, serve
from fake_workspace import HOSTILE, FakeWorkspace

from dashboard.charts.forest import TOGETHER, forest, height_px
from dashboard.pages.roster import grid_rows
from dashboard.roster import CALM, roster_answer, roster_table
from pipeline.adherence import Thresholds, count_weeks_in_plan
from pipeline.tables import BalanceSessions

TODAY = date(2026, 11, 29)


@pytest.fixture(scope="module")
def table(workspace: FakeWorkspace) -> pl.DataFrame:
    """The roster of the invented runners."""
    return roster_table(workspace, TODAY)


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
    own, answer = roster_answer(workspace)
    figure = forest(own, (-0.05, -0.12, 0.03))
    athletes, together = figure.data
    assert athletes.x == tuple(100 * own["estimate"])
    assert athletes.x[0] + athletes.error_x.array[0] == pytest.approx(100 * own["high"][0])
    assert together.x[0] - together.error_x.arrayminus[0] == pytest.approx(-12)
    assert figure.layout.yaxis.ticktext[-1] == TOGETHER
    assert figure.layout.height == height_px(own.height)
    assert "<img" not in "".join(figure.layout.yaxis.ticktext)
    assert answer.verdict == "not enough athletes"


def test_a_coach_goes_from_the_roster_to_an_athlete(desktop: Seen, workspace: FakeWorkspace) -> None:
    """The first row is the most urgent, its link opens the athlete, and back returns."""
    with serve(workspace) as address:
        page = desktop.open(f"{address}/roster", ".ag-row a")
        page.wait_for_selector("#roster-forest .main-svg", timeout=WAIT_MS)
        link = page.locator('.ag-row[row-index="0"] a')
        href = link.get_attribute("href")
        link.click()
        page.wait_for_url(f"{address}{href}", timeout=WAIT_MS)
        page.go_back()
        page.wait_for_selector(".ag-row a", timeout=WAIT_MS)
    assert desktop.complaints == []
