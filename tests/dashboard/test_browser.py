"""The dashboard in a real browser: headless Chromium over the invented runners."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import WAIT_MS, Seen, point, serve
from fake_workspace import HOSTILE, EmptyWorkspace, FakeWorkspace
from playwright.sync_api import expect

from dashboard import report, theme


@pytest.fixture(scope="module")
def address(workspace: FakeWorkspace) -> Iterator[str]:
    """Where the dashboard over the invented runners is served."""
    with serve(workspace) as address:
        yield address


def test_charts_follow_the_dark_scheme(phone: Seen, address: str) -> None:
    """On a dark device the charts are drawn in the dark theme's colours."""
    page = phone.open(f"{address}/", "#answer-trend .main-svg")
    page.wait_for_function(
        "colour => document.querySelector('#answer-trend .js-plotly-plot')"
        ".layout.template.layout.font.color === colour",
        arg=theme.DARK.ink,
        timeout=WAIT_MS,
    )


def test_the_menu_of_a_phone_leads_to_the_runs(phone: Seen, address: str) -> None:
    """The menu opens by its button, its link changes the address, and back returns."""
    page = phone.open(f"{address}/athlete/maya", "#answer-trend .main-svg")
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Runs", exact=True).click()
    page.wait_for_selector(".ag-row a", timeout=WAIT_MS)
    expect(page).to_have_url(f"{address}/athlete/maya/runs")
    page.go_back()
    page.wait_for_selector("#answer-trend .main-svg", timeout=WAIT_MS)
    expect(page).to_have_url(f"{address}/athlete/maya")


def test_another_athlete_is_another_address(desktop: Seen, address: str) -> None:
    """Choosing an athlete goes to that athlete's page."""
    page = desktop.open(f"{address}/athlete/maya", "#answer-trend .main-svg")
    page.get_by_role("combobox", name="Athlete").or_(page.locator("input#athlete")).first.click()
    page.get_by_role("option", name="new runner/2").click()
    page.wait_for_url(f"{address}/athlete/new%20runner%2F2", timeout=WAIT_MS)
    page.wait_for_selector(".command", timeout=WAIT_MS)


def test_a_dot_follows_the_profile(desktop: Seen, address: str, run_id: str) -> None:
    """Pointing at the profile shows a dot on the track, and it moves with the pointer."""
    page = desktop.open(f"{address}/run/{run_id}", "#run-profile .main-svg")
    area = page.locator("#run-profile .nsewdrag").first
    area.scroll_into_view_if_needed()

    def at(share: float) -> list[tuple[float, float]]:
        box = area.bounding_box()
        assert box is not None
        x = box["x"] + share * box["width"]
        return [(x, box["y"] + 40), (x + 3, box["y"] + 40)]

    place = "document.querySelector('.follow-dot').style.transform"
    point(page, ".follow-dot[style]", lambda: at(0.3))
    first = page.evaluate(place)
    for x, y in at(0.7):
        page.mouse.move(x, y)
    page.wait_for_function(f"first => {place} !== first", arg=first, timeout=WAIT_MS)


def test_each_chart_has_a_name_and_a_table(desktop: Seen, address: str, run_id: str) -> None:
    """Whoever does not see a chart gets its name, and its data once they open the lid over them."""
    page = desktop.open(f"{address}/run/{run_id}", "#run-profile .main-svg")
    names = page.locator("[role=figure]").evaluate_all("all => all.map(f => f.getAttribute('aria-label'))")
    assert [bool(name) for name in names] == [True, True, True]
    for chart, n_rows in (("run-profile", 11), ("run-map", 12)):
        rows = page.locator(f"#{chart}-table tbody tr")
        assert rows.count() == 0
        page.locator("details", has=page.locator(f"#{chart}-table")).locator("summary").click()
        expect(rows).to_have_count(n_rows, timeout=WAIT_MS)
    assert page.locator("html").get_attribute("lang") == "en"


def test_a_chart_is_saved_as_a_picture(desktop: Seen, address: str) -> None:
    """A chart one click away is drawn by that click; its picture is saved, and the policy lets it be made."""
    page = desktop.open(f"{address}/athlete/maya?weeks=26", "#answer-trend .main-svg")
    marks = page.locator("#answer-dose .point")
    assert marks.count() == 0
    page.get_by_text("The plain correlation").click()
    marks.first.wait_for(timeout=WAIT_MS)
    with page.expect_download(timeout=WAIT_MS) as saved:
        page.get_by_role("button", name="Save the picture as SVG: Technical cadence").click()
    picture = Path(saved.value.path()).read_text("utf-8")
    assert "Balance dose before the run" in picture
    assert saved.value.suggested_filename == "surefoot-answer-dose.svg"
    expect(page.locator("#answer-periods .here")).to_have_text("26 weeks")
    assert desktop.complaints == []


def test_a_phone_shows_why_a_run_does_not_count(phone: Seen, address: str) -> None:
    """The reason that makes a row tall is in sight, and rows that count are one line."""
    page = phone.open(f"{address}/athlete/maya/runs", ".ag-row a")
    reason = page.get_by_text("no: less than 4 minutes").first
    expect(reason).to_be_in_viewport(ratio=1, timeout=WAIT_MS)
    page.wait_for_function("() => document.querySelector('.ag-row').offsetHeight < 60", timeout=WAIT_MS)
    # Six lines of 19 px and the room above and below them.
    tall = "() => Math.max(...[...document.querySelectorAll('.ag-row')].map(row => row.offsetHeight)) <= 134"
    page.wait_for_function(tall, timeout=WAIT_MS)


def test_an_empty_workspace_is_a_screen_of_its_own(desktop: Seen) -> None:
    """A new workspace shows the first command and no error."""
    with serve(EmptyWorkspace()) as address:
        page = desktop.open(f"{address}/", ".notice .command")
        expect(page.locator(".notice")).to_contain_text("surefoot analyse PATH --athlete ID")
        page.get_by_role("link", name="Upload watch files").click()
        expect(page.locator("#upload-name")).to_be_visible(timeout=WAIT_MS)
    assert desktop.complaints == []


def test_the_report_opens_from_disk(desktop: Seen, workspace: FakeWorkspace, tmp_path: Path) -> None:
    """The report draws its charts without a server, and asks for nothing but itself."""
    target = tmp_path / "report.html"
    report.write_report(workspace, ["maya", HOSTILE], target)
    page = desktop.open(target.as_uri(), "#trend-1 .main-svg")
    expect(page.locator(".js-plotly-plot .main-svg:first-child")).to_have_count(4, timeout=WAIT_MS)
    expect(page.locator("img")).to_have_count(0)
    assert desktop.complaints == []
    assert desktop.hosts == {""}


def test_the_main_ways_need_no_mouse(desktop: Seen, address: str) -> None:
    """By keys alone: past the menu, to the runs, into a run by its row, to the next one, and back."""
    page = desktop.open(f"{address}/athlete/maya", "#answer-trend .main-svg")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    title = page.locator("#run-head h1")
    page.get_by_role("link", name="Runs", exact=True).press("Enter")
    expect(page.locator("#main")).to_be_focused(timeout=WAIT_MS)
    page.locator(".ag-row [col-id=day]").nth(2).focus(timeout=WAIT_MS)
    page.keyboard.press("Enter")
    expect(title).to_have_text(re.compile("^Run of "), timeout=WAIT_MS)
    first = title.inner_text()
    page.get_by_role("link", name="Next", exact=True).press("Enter")
    expect(title).not_to_have_text(first, timeout=WAIT_MS)
    page.go_back()
    expect(title).to_have_text(first, timeout=WAIT_MS)
    page.wait_for_selector("#run-profile .main-svg", timeout=WAIT_MS)
    assert desktop.complaints == []


def test_other_half_lives_are_worked_out_when_asked_for(desktop: Seen, address: str) -> None:
    """The card is empty until it is opened; then it has five intervals, and its table says them."""
    page = desktop.open(f"{address}/athlete/maya", "#answer-trend .scatterlayer .trace")
    marks = page.locator("#answer-half-lives .point")
    assert marks.count() == 0
    page.get_by_text("Other half-lives of the dose").click()
    expect(marks).to_have_count(5, timeout=WAIT_MS)
    page.locator("#answer-half-lives-card details summary").click()
    expect(page.locator("#answer-half-lives-table tbody tr")).to_have_count(5, timeout=WAIT_MS)
    assert desktop.complaints == []
