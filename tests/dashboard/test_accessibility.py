"""What axe-core finds on every page, light and dark, wide and on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import DESKTOP, PHONE, Seen, every_page, serve
from fake_workspace import FakeWorkspace
from playwright.sync_api import Page

from dashboard import theme

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
PICTURED = ((DESKTOP[0], "light"), (PHONE[0], "dark"))
PAPER = {"light": theme.LIGHT.page, "dark": theme.DARK.page}


@pytest.fixture(scope="module")
def address(workspace: FakeWorkspace) -> Iterator[str]:
    """Where the dashboard over the invented runners is served."""
    with serve(workspace) as address:
        yield address


def violations(page: Page, *rules: str) -> list[str]:
    """What axe-core calls serious or critical, by all rules or these: rule, element, what is wrong."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]} {[check['message'] for check in node['any']]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def show(page: Page, scheme: str) -> None:
    """Change the colours, and wait until the page has them."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.wait_for_function(
        "paper => getComputedStyle(document.documentElement).getPropertyValue('--page') === paper",
        arg=PAPER[scheme],
    )


def test_no_page_has_a_serious_fault(desktop: Seen, address: str, run_id: str) -> None:
    """Nothing serious or critical on any page, 1440 and 390 px wide, light and dark; pictures are kept."""
    SCREENSHOTS.mkdir(exist_ok=True)
    found = {}
    for number, (path, wanted) in enumerate(every_page(run_id)):
        page = desktop.open(address + path, wanted)
        for width, height in (DESKTOP, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            for scheme in PAPER:
                show(page, scheme)
                if (width, scheme) in PICTURED:
                    page.screenshot(path=SCREENSHOTS / f"{number:02}-{width}-{scheme}.png", full_page=True)
                # Of the other two only the colours and the room differ.
                rules = () if (width, scheme) in PICTURED else ("color-contrast", "target-size")
                if faults := violations(page, *rules):
                    found[path, width, scheme] = faults
        page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
        show(page, "light")
    assert found == {}


def test_a_fault_is_found(desktop: Seen, address: str) -> None:
    """A picture without a text and pale words are found, so that an empty list means something."""
    page = desktop.open(f"{address}/nowhere", ".notice")
    page.evaluate(
        "document.querySelector('.notice').innerHTML = '<img src=\"/assets/icons/sun.svg\">'"
        " + '<p style=\"color:#bbb;background:#fff\">pale</p>'"
    )
    assert sorted(fault.partition(":")[0] for fault in violations(page)) == ["color-contrast", "image-alt"]
