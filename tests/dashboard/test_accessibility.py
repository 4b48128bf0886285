"""Every page, light and dark, wide and on a phone: what it asks for and says, and what axe-core finds."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import DESKTOP, PHONE, WAIT_MS, Seen, every_page, serve, watch
from fake_workspace import FakeWorkspace
from playwright.sync_api import Browser, Page

from dashboard import plotly_js, theme

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
# Words in the heads of grids that stand on more than one line.
BROKEN_WORDS = """() => [...document.querySelectorAll('.ag-header-cell-text')].flatMap(head => {
  const text = head.firstChild;
  return [...head.textContent.matchAll(/[^ ]+/g)].filter(({0: word, index}) => {
    const range = document.createRange();
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    return new Set([...range.getClientRects()].map(rect => rect.top)).size > 1;
  }).map(found => found[0]);
})"""
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


@pytest.mark.parametrize(
    ("size", "scheme", "other"), [(DESKTOP, "light", "dark"), (PHONE, "dark", "light")], ids=["wide", "phone"]
)
def test_every_page(
    browser: Browser, address: str, run_id: str, size: tuple[int, int], scheme: str, other: str
) -> None:
    """On a wide window and on a phone: quiet, asks this host alone and not for all of plotly, no wider than
    the screen, no word over a column broken, and nothing serious in either scheme. Pictures are kept."""
    SCREENSHOTS.mkdir(exist_ok=True)
    seen = watch(browser, size, scheme)
    found, broken = {}, []
    for number, (path, wanted) in enumerate(every_page(run_id)):
        page = seen.open(address + path, wanted)
        # A chart is drawn at its first size and fitted a moment later.
        page.wait_for_function(
            "() => document.documentElement.scrollWidth <= window.innerWidth", timeout=WAIT_MS
        )
        broken += page.evaluate(BROKEN_WORDS)
        page.screenshot(path=SCREENSHOTS / f"{number:02}-{size[0]}-{scheme}.png", full_page=True)
        found[path, scheme] = violations(page)
        show(page, other)
        # Of another scheme only the colours differ.
        found[path, other] = violations(page, "color-contrast")
        show(page, scheme)
    seen.page.context.close()
    assert {where: faults for where, faults in found.items() if faults} == {}
    assert broken == []
    assert seen.complaints == []
    assert seen.hosts <= {urlsplit(address).netloc, ""}
    plotly = {path for path in seen.paths if "plotly" in path}
    assert plotly == {f"/assets/plotly/{plotly_js.FILE.name}"}


def test_a_fault_is_found(desktop: Seen, address: str) -> None:
    """A picture without a text and pale words are found, so that an empty list means something."""
    page = desktop.open(f"{address}/nowhere", ".notice")
    page.evaluate(
        "document.querySelector('.notice').innerHTML = '<img src=\"/assets/icons/sun.svg\">'"
        " + '<p style=\"color:#bbb;background:#fff\">pale</p>'"
    )
    assert sorted(fault.partition(":")[0] for fault in violations(page)) == ["color-contrast", "image-alt"]
