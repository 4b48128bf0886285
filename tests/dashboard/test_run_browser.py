"""The page of a run in a real browser: track and profile linked, and a part of the profile."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import polars as pl
import pytest
from browsing import WAIT_MS, Seen, point, serve
from fake_workspace import FakeWorkspace
from playwright.sync_api import Page, expect

from dashboard.run_profile import part_of

DRAWN = "document.querySelector('#run-profile .js-plotly-plot')?._fullData?.[0]?.x.filter(Number.isFinite)"


@pytest.fixture(scope="module")
def address(workspace: FakeWorkspace, run_id: str) -> Iterator[str]:
    """The page of a run of maya's."""
    with serve(workspace) as address:
        yield f"{address}/run/{run_id}"


def whole_run(page: Page) -> tuple[float, float, int]:
    """Wait until the page says that it shows all of the run, and has drawn it."""
    expect(page.locator("#run-part-said")).to_have_text("The whole run", timeout=WAIT_MS)
    page.wait_for_function(f"() => {DRAWN}?.[0] < 0.1", timeout=WAIT_MS)
    return drawn_km(page)


def drawn_km(page: Page) -> tuple[float, float, int]:
    """From where to where the altitude is drawn, and of how many points."""
    x = page.evaluate(DRAWN)
    return x[0], x[-1], len(x)


@pytest.mark.parametrize(
    ("search", "part"),
    [
        ("?km=1.5-3", (1.5, 3.0)),
        ("?km=8-99", (8.0, 10.0)),
        ("", None),
        (None, None),
        ("?km=3-1", None),
        ("?km=11-12", None),
        ("?km=-1-2", None),
        ("?km=1e3-2e3", None),
        ("?km=nan-inf", None),
        ("?km=" + "9" * 400 + "-1", None),
    ],
)
def test_a_part_is_read_from_the_address(search: str | None, part: tuple[float, float] | None) -> None:
    """Two distances in order, cut at the end of the run; anything else is the whole run."""
    assert part_of(search, 10.0) == part


def test_a_part_is_chosen_by_keyboard(desktop: Seen, address: str) -> None:
    """Closer halves what is shown and says so, the address has it, and back leads to the whole run."""
    page = desktop.open(address, "#run-profile .main-svg")
    said = page.locator("#run-part-said")
    start, end, _ = whole_run(page)
    page.get_by_role("button", name="Closer").press("Enter")
    expect(said).to_contain_text(" of ", timeout=WAIT_MS)
    page.wait_for_function(f"() => {DRAWN}?.[0] > 1", timeout=WAIT_MS)
    closer = drawn_km(page)
    assert closer[1] - closer[0] == pytest.approx((end - start) / 2, abs=0.05)
    expect(page).to_have_url(re.compile(r"\?km="))
    page.reload()
    expect(said).to_contain_text(" of ", timeout=WAIT_MS)
    page.wait_for_function(f"() => {DRAWN}?.[0] > 1", timeout=WAIT_MS)
    assert drawn_km(page) == closer
    page.go_back()
    page.wait_for_function(f"() => {DRAWN}?.[0] < 0.1", timeout=WAIT_MS)
    assert desktop.complaints == []
    assert desktop.hosts <= {urlsplit(address).netloc, ""}


def test_a_part_is_chosen_by_dragging(desktop: Seen, address: str) -> None:
    """Dragging over the second quarter of the profile shows it."""
    page = desktop.open(address, "#run-profile .main-svg")
    start, end, _ = whole_run(page)
    page.locator("#run-profile").scroll_into_view_if_needed()
    box = page.locator("#run-profile .nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50, steps=4)
    page.mouse.up()
    page.wait_for_function(f"() => {DRAWN}?.[0] > 1", timeout=WAIT_MS)
    quarter = (end - start) / 4
    assert drawn_km(page)[:2] == pytest.approx((start + quarter, start + 2 * quarter), abs=0.1)
    page.get_by_role("button", name="Whole run").click()
    page.wait_for_function(f"() => {DRAWN}?.[0] < 0.1", timeout=WAIT_MS)
    assert desktop.complaints == []


class Flat(FakeWorkspace):
    """Runs whose watch has no altitude, and whose ground nothing labels."""

    def load_track(self, run_id: str) -> pl.DataFrame:
        track = super().load_track(run_id)
        nothing = ("altitude_m", "terrain")
        return track.with_columns(pl.lit(None, track.schema[name]).alias(name) for name in nothing)

    def load_segments(self, athlete_id: str | None = None, run_id: str | None = None) -> pl.DataFrame:
        return super().load_segments(run_id=run_id).clear()


def test_the_profile_follows_the_track(desktop: Seen, address: str) -> None:
    """Pointing at the track shows the place there as a dot, and on the profile as a line with its figures."""
    follow(desktop, address)


def test_a_run_without_altitude_has_no_empty_panels(desktop: Seen, run_id: str) -> None:
    """Its profile is lower and follows the track as any, and what is missing is said in words."""
    with serve(Flat()) as address:
        page = follow(desktop, f"{address}/run/{run_id}")
        expect(page.locator("#run-not-drawn")).to_have_text(
            "Not in this recording, and so not drawn: altitude."
        )
        expect(page.locator("#run-segments")).to_have_text(
            "No part of this run could be called technical or smooth."
        )
        expect(page.locator("#run-segments table")).to_have_count(0)
        expect(page.locator("#run-profile .ytitle")).to_have_count(0)
        box = page.locator("#run-profile").bounding_box()
        assert box is not None
        assert box["height"] == 192


def follow(desktop: Seen, address: str) -> Page:
    """Point along the track until the profile shows the place as well."""
    page = desktop.open(address, "#run-map .scatterlayer path.js-line")
    track = page.locator("#run-map .scatterlayer path.js-line").first

    def along() -> list[tuple[float, float]]:
        line = track.bounding_box()
        assert line is not None
        return [(line["x"] + 5, line["y"] + line["height"] * step / 12) for step in range(12)]

    point(page, "#run-profile .follow-line[style]", along)
    page.wait_for_selector("#run-map .follow-dot", timeout=WAIT_MS)
    point(page, "#run-profile .hovertext", along)
    assert desktop.complaints == []
    return page
