"""Signing in and out, and what the page Account changes, as a browser does it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dash import Dash
from hosted_world import RUNNERS, SITE, WORD, Browser, hosted, make_world, sign_in

from dashboard import serve, worker
from dashboard.app import create_app
from dashboard.hosting import read_site
from pipeline import accounts
from pipeline.errors import SurefootError
from pipeline.workspace import AccountBook, Workspace

ADA, BOB = RUNNERS
HTTPS = "https://surefoot.example.org"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ada's and bob's workspace."""
    return make_world(tmp_path_factory.mktemp("hosted") / "w")


@pytest.fixture(scope="module")
def app(path: Path) -> Dash:
    """The dashboard with accounts."""
    return hosted(path)


@pytest.fixture
def book(path: Path) -> Iterator[AccountBook]:
    """The accounts; ada and carol have a password."""
    with AccountBook(path) as book:
        for name in (ADA, "carol"):
            accounts.set_password(book, name, WORD, by="", now=datetime.now(UTC))
            book.drop_attempts(name)
        yield book


def enter(browser: Browser, name: str, password: str, after: str = "") -> Any:
    """Send the form of the sign-in page."""
    return browser.ask("POST", f"/sign-in{after}", data={"name": name, "password": password})


def token_of(answered: Any) -> str:
    """The token that an answer gives the browser to keep."""
    found = re.match(r"(?:__Host-)?surefoot=([^;]+);", answered.headers["Set-Cookie"])
    assert found is not None
    return found[1]


def test_in_and_out_again(app: Dash, book: AccountBook) -> None:
    """Name and password open the page that was asked for; signing out ends the session at the server."""
    stranger = Browser(app)
    asked = stranger.ask("GET", "/athlete/runner-ada/runs?x=1")
    assert (asked.status_code, asked.headers["Location"]) == (
        303,
        "/sign-in?next=%2Fathlete%2Frunner-ada%2Fruns%3Fx%3D1",
    )
    entered = enter(stranger, ADA, WORD, "?next=%2Froster")
    assert (entered.status_code, entered.headers["Location"]) == (303, "/roster")
    ada = Browser(app, token_of(entered))
    assert ada.ask("GET", "/").status_code == 200
    left = ada.ask("POST", "/sign-out")
    assert (left.status_code, left.headers["Clear-Site-Data"]) == (303, '"cache", "storage"')
    assert ada.ask("GET", "/").status_code == 303


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", ""])
def test_signing_in_leads_to_no_other_site(app: Dash, book: AccountBook, to: str) -> None:
    """Whatever the address says of where to go on, it is on this site."""
    answered = Browser(app).client.post(
        "/sign-in",
        query_string={"next": to},
        data={"name": ADA, "password": WORD},
        headers=Browser(app).headers,
    )
    assert answered.headers["Location"] == "/"


def test_a_wrong_password_says_so_and_keeps_the_name(app: Dash, book: AccountBook) -> None:
    """403 with one sentence, what was typed as text; after ten tries 429."""
    answered = enter(Browser(app), '<b>"ada', "wrong")
    assert answered.status_code == 403
    assert "The name or the password is wrong" in answered.text
    assert "<b>" not in answered.text
    statuses = [enter(Browser(app), ADA, "wrong").status_code for _ in range(accounts.MAX_OF_ACCOUNT)]
    assert set(statuses) == {403}
    assert enter(Browser(app), ADA, WORD).status_code == 429
    with AccountBook(book.path) as other:
        other.sweep_accounts(
            **dict.fromkeys(("attempts", "codes", "begun", "seen", "audit"), datetime.now(UTC))
        )


def test_cookie_and_headers_over_tls(path: Path, book: AccountBook) -> None:
    """The cookie is bound to the site, TLS and requests; browsers are told to come by TLS alone."""
    browser = Browser(create_app(path, HTTPS))
    browser.headers |= {"Host": "surefoot.example.org", "Origin": HTTPS}
    entered = enter(browser, ADA, WORD)
    cookie = entered.headers["Set-Cookie"]
    assert cookie.startswith("__Host-surefoot=")
    assert all(part in cookie for part in ("; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"))
    assert "Domain" not in cookie
    assert entered.headers["Strict-Transport-Security"] == "max-age=31536000"
    for host in ("evil.example", "surefoot.example.org.evil.example"):
        assert browser.client.get("/sign-in", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": None},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_other_sites_cannot_send_forms(app: Dash, path: Path, headers: dict[str, Any]) -> None:
    """With the cookie, but from elsewhere or not saying from where: forbidden, for every kind of change."""
    ada = sign_in(app, path, ADA)
    ada.headers = {name: value for name, value in {**ada.headers, **headers}.items() if value is not None}
    for address in ("/sign-in", "/sign-out", "/_account/code", f"/_log/import?athlete={ADA}"):
        assert ada.ask("POST", address, json={}).status_code == 403
    assert sign_in(app, path, ADA).ask("GET", "/").status_code == 200


def test_consent_in_the_browser(app: Dash, path: Path, book: AccountBook) -> None:
    """Ada makes a code, carol gives it and sees her; ada ends it, and carol is blind again at once."""
    ada, carol = sign_in(app, path, ADA), sign_in(app, path, "carol")
    address = f"/_data/runs.csv?athlete={ADA}"
    assert carol.ask("GET", address).status_code == 404
    said = ada.ask("POST", "/_account/code", json={}).json["said"]
    code = said.split()[1]
    assert (
        carol.ask("POST", "/_account/link", json={"code": code}).json["said"] == f"You see {ADA} from now on."
    )
    assert carol.ask("GET", address).status_code == 200
    assert sign_in(app, path, BOB).ask("POST", "/_account/link", json={"code": code}).status_code == 403
    ended = ada.ask("POST", "/_account/unlink", json={"athlete": ADA, "account": "carol"})
    assert ended.status_code == 200
    assert carol.ask("GET", address).status_code == 404
    assert carol.ask("POST", "/_account/code", json={}).status_code == 403


def test_a_new_password_ends_all_other_sessions(app: Dash, path: Path, book: AccountBook) -> None:
    """The browser that changes it stays signed in under a new token; the old one and others are out."""
    here, there = sign_in(app, path, ADA), sign_in(app, path, ADA)
    wrong = here.ask("POST", "/_account/password", json={"old": "wrong", "new": "a longer password"})
    assert wrong.status_code == 403
    short = here.ask("POST", "/_account/password", json={"old": WORD, "new": "short"})
    assert (short.status_code, "10 to 1000 characters" in short.json["said"]) == (409, True)
    changed = here.ask("POST", "/_account/password", json={"old": WORD, "new": "a longer password"})
    assert changed.status_code == 200
    assert Browser(app, token_of(changed)).ask("GET", "/").status_code == 200
    assert here.ask("GET", "/").status_code == there.ask("GET", "/").status_code == 303


def test_out_everywhere(app: Dash, path: Path) -> None:
    """One button ends every session of the account, and no other's."""
    here, there, bob = (sign_in(app, path, name) for name in (ADA, ADA, BOB))
    assert here.ask("POST", "/_account/sessions", json={}).status_code == 200
    assert [one.ask("GET", "/").status_code for one in (here, there, bob)] == [303, 303, 200]


def test_an_admin_makes_an_account_and_its_owner_the_password(app: Dash, path: Path) -> None:
    """The code that the admin is told sets the password, once, and signs in."""
    root = sign_in(app, path, "root")
    made = root.ask(
        "POST", "/_account/admin/add", json={"name": "Dora", "role": "runner", "athlete": "dora d"}
    )
    code = re.search(r"[A-Z2-9]{5}(-[A-Z2-9]{5}){3}", made.json["said"])
    assert code is not None
    form = {"name": "dora", "code": code[0], "password": "dora's own words"}
    entered = Browser(app).ask("POST", "/set-password", data=form)
    assert entered.status_code == 303
    assert Browser(app, token_of(entered)).ask("GET", "/").status_code == 200
    assert Browser(app).ask("POST", "/set-password", data=form).status_code == 403
    for what, status in (("disable", 303), ("enable", 303)):
        assert root.ask("POST", f"/_account/admin/{what}", json={"name": "dora"}).status_code == 200
        assert Browser(app, token_of(entered)).ask("GET", "/").status_code == status
    assert root.ask("POST", "/_account/admin/disable", json={"name": "root"}).status_code == 403


@pytest.mark.parametrize("what", ["add", "code", "disable", "enable", "other"])
def test_only_admins_manage(app: Dash, path: Path, what: str) -> None:
    """To everybody else these addresses are not there."""
    for name in (ADA, "carol"):
        answered = sign_in(app, path, name).ask("POST", f"/_account/admin/{what}", json={"name": BOB})
        assert answered.status_code == 404


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"code": 1}', b'{"code": "a", "x": 1}', b'{"code": "\\u0000"}']
)
def test_strange_bodies_are_refused(app: Dash, path: Path, body: bytes) -> None:
    """What no page of this site sends is a 400."""
    carol = sign_in(app, path, "carol")
    for what in ("link", "unlink", "password", "code"):
        sent = carol.ask("POST", f"/_account/{what}", data=body, content_type="application/json")
        assert sent.status_code == 400


def test_an_upload_above_the_limit_says_the_limit(
    app: Dash, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """413 with the limit in words, before a byte is sent; below it the upload begins."""
    monkeypatch.setattr(accounts, "DAY_BYTES", 1000)
    monkeypatch.setattr(worker, "start_worker", lambda path: None)
    ada = sign_in(app, path, ADA)
    address = f"/_upload/begin?athlete={ADA}"
    over = ada.ask("POST", address, json={"files": [["a.zip", 600], ["b.zip", 600]]})
    assert over.status_code == 413
    assert "within 24 hours" in over.json["said"]
    assert ada.ask("POST", address, json={"files": [["a.zip", 600]]}).status_code == 200
    assert ada.ask("POST", address, json={"files": [["c.zip", 600]]}).status_code == 413


def test_a_runner_without_runs_may_begin(app: Dash, path: Path, book: AccountBook) -> None:
    """A new account's athlete is there from the start: a log may come before the first run."""
    accounts.add_account(book, "newcomer", "runner", now=datetime.now(UTC))
    newcomer = sign_in(app, path, "newcomer")
    log = b"date,drill,minutes\n2026-03-09,plank,10\n"
    taken = newcomer.ask("POST", "/_log/import?athlete=newcomer&name=a.csv", data=log)
    assert (taken.status_code, taken.json["said"].startswith("a.csv: 1")) == (200, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"host": "0.0.0.0"}, "with --host 0.0.0.0 everybody .* add --accounts and --site"),
        ({"host": "::", "site": HTTPS}, "with --host :: everybody"),
        ({"host": "0.0.0.0", "with_accounts": True}, "address that people type .* --site https://NAME"),
        ({"site": HTTPS}, "for a dashboard with accounts: add --accounts"),
        ({"with_accounts": True, "site": HTTPS}, "there is no account yet: `surefoot account add"),
    ],
)
def test_what_is_missing_is_one_line(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    """A dashboard that others could reach does not start without accounts, a site, and a first account."""
    Workspace(tmp_path / "w").close()
    with pytest.raises(SurefootError, match=said):
        serve.serve(tmp_path / "w", 1, **given)


@pytest.mark.parametrize(
    ("site", "origin"),
    [(HTTPS + "/", HTTPS), ("http://localhost:8050", "http://localhost:8050"), (SITE, SITE)],
)
def test_a_site_is_its_origin(site: str, origin: str) -> None:
    """TLS, or this machine."""
    assert read_site(site) == origin


@pytest.mark.parametrize("site", ["surefoot.example.org", "ftp://x", "https://", f"{HTTPS}/x", "https://a@b"])
def test_what_is_no_site(site: str) -> None:
    """Anything else is one line."""
    with pytest.raises(SurefootError, match="is no address of a site"):
        read_site(site)


def test_no_password_over_an_open_network() -> None:
    """Without TLS a name of the network is refused."""
    with pytest.raises(SurefootError, match="put a proxy with TLS"):
        read_site("http://surefoot.lan:8050")


def test_on_this_machine_nothing_is_asked(tmp_path: Path) -> None:
    """Without accounts there is no sign-in, no such page, and no route of accounts."""
    Workspace(tmp_path / "w").close()
    client = create_app(tmp_path / "w").server.test_client()
    host = {"Host": "127.0.0.1:8050"}
    assert client.get("/", headers=host).status_code == 200
    assert "Sign in" not in client.get("/sign-in", headers=host).text
    assert client.post("/_account/code", json={}, headers=host).status_code == 405
