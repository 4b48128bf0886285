"""Signing in and the page Account in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from browsing import DESKTOP, PHONE, WAIT_MS, Seen, serve_app
from hosted_world import RUNNERS, WORD, make_world
from playwright.sync_api import Page, expect
from test_accessibility import PAPER, show, violations

from dashboard.app import create_app
from pipeline import accounts
from pipeline.workspace import AccountBook

ADA = RUNNERS[0]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hosted workspace whose accounts have passwords."""
    path = make_world(tmp_path_factory.mktemp("hosted") / "w")
    with AccountBook(path) as book:
        for name in (ADA, "carol", "root"):
            accounts.set_password(book, name, WORD, by="", now=datetime.now(UTC))
    return path


@pytest.fixture(scope="module")
def address(path: Path) -> Iterator[str]:
    """Where it is served."""
    with serve_app(lambda address: create_app(path, address).server) as address:
        yield address


def enter(seen: Seen, address: str, name: str, wanted: str) -> Page:
    """Sign in by the keyboard alone."""
    page = seen.open(f"{address}/account", "input[name=name]")
    type_name_and_word(page, name)
    page.wait_for_selector(wanted, timeout=WAIT_MS)
    return page


def type_name_and_word(page: Page, name: str) -> None:
    """Fill the door's form, once its first field waits for it."""
    expect(page.locator("input[name=name]")).to_be_focused(timeout=WAIT_MS)
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(WORD)
    page.keyboard.press("Enter")


def faults(page: Page) -> dict[tuple[int, str], list[str]]:
    """What is wrong on the page, wide and on a phone, light and dark; it never scrolls sideways."""
    found: dict[tuple[int, str], list[str]] = {}
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in PAPER:
            show(page, scheme)
            page.wait_for_function(
                "() => document.documentElement.scrollWidth <= window.innerWidth", timeout=WAIT_MS
            )
            found[width, scheme] = violations(page)
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    return {key: wrong for key, wrong in found.items() if wrong}


def test_the_doors_have_no_fault(desktop: Seen, address: str) -> None:
    """The pages before the dashboard, plain and with a complaint, in every size and colour."""
    for path in ("/sign-in", "/set-password", "/sign-in?told=unknown"):
        assert faults(desktop.open(address + path, "form")) == {}
    assert desktop.complaints == []


@pytest.mark.parametrize("name", [ADA, "root"])
def test_the_page_account_has_no_fault(desktop: Seen, address: str, name: str) -> None:
    """By the keyboard to the page that was asked for; a runner's and an admin's, in every size and colour."""
    page = enter(desktop, address, name, "form[data-account=password]")
    expect(page).to_have_url(f"{address}/account")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.locator("form[data-account=password] [autocomplete=username]")).to_have_value(name)
    assert faults(page) == {}
    assert desktop.complaints == []


def test_consent_by_code(desktop: Seen, phone: Seen, address: str) -> None:
    """Ada reads her code to carol, who types it, sees ada's runs, and is shut out when ada ends it."""
    ada = enter(desktop, address, ADA, "button[data-account=code]")
    ada.get_by_role("button", name="Make a code for a coach").click()
    said = ada.wait_for_selector("#account-said:not(:empty)", timeout=WAIT_MS)
    assert said is not None
    code = (said.text_content() or "").split()[1]
    carol = enter(phone, address, "carol", "#account-code")
    carol.fill("#account-code", code)
    carol.locator("#account-code").press("Enter")
    carol.get_by_role("link", name=ADA).click(timeout=WAIT_MS)
    carol.wait_for_selector("#answer-head h1", timeout=WAIT_MS)
    expect(carol).to_have_url(f"{address}/athlete/{ADA}")
    ada.reload()
    ada.get_by_role("button", name="End it").click(timeout=WAIT_MS)
    ada.wait_for_selector("text=Nobody but you.", timeout=WAIT_MS)
    carol.goto(f"{address}/athlete/{ADA}/runs")
    carol.wait_for_selector("text=No athlete has given you a code yet.", timeout=WAIT_MS)


def test_a_session_that_is_over_leads_to_the_door(desktop: Seen, address: str, path: Path) -> None:
    """At the next click, not only at the next load, and back to where one was."""
    page = enter(desktop, address, ADA, "button[data-account=code]")
    with AccountBook(path) as book:
        book.end_sessions(ADA)
    page.get_by_role("link", name="Runs", exact=True).click()
    page.wait_for_url("**/sign-in?next=*", timeout=WAIT_MS)
    type_name_and_word(page, ADA)
    page.wait_for_selector(".ag-row a", timeout=WAIT_MS)
    expect(page).to_have_url(f"{address}/athlete/{ADA}/runs")
