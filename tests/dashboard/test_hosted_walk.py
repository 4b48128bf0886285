"""Every route and every callback as a stranger, another runner, a coach without a link and one with: nothing
of another's is seen or changed. A new one that is not walked here fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from dash import Dash
from hosted_world import (
    RUNNERS,
    Browser,
    canary,
    digest,
    hosted,
    job_of,
    make_world,
    mark_of,
    numbers,
    run_of,
    said,
    sign_in,
    stretch_of,
)

from dashboard import worker
from dashboard.data_routes import OF_ALL, OF_ATHLETE, OF_RUN
from pipeline import accounts
from pipeline.workspace import AccountBook, Workspace
from tests.workspace.workspace_builders import run_row, sha

ADA, BOB = RUNNERS
NOBODYS = ("/_dash-dependencies", "/_dash-layout", "/_favicon.ico", "/_reload-hash", "/healthz")
Requests = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ada's and bob's workspace; carol coaches nobody."""
    return make_world(tmp_path_factory.mktemp("hosted") / "w")


@pytest.fixture(scope="module")
def app(path: Path) -> Iterator[Dash]:
    """The dashboard with accounts; no process is started to read uploads."""

    class Ended:
        def poll(self) -> int:
            return 0

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(worker, "start_worker", lambda path: Ended())
        yield hosted(path)


def reads(of: str) -> dict[str, Requests]:
    """Requests that show something of an athlete, by the rule that answers them."""
    run, who = run_of(of), quote(of)
    pages = ("", "/runs", "/balance", "/plan", "/upload", "/stretches", "/settings")
    return {
        "/": [("GET", "/", {})],
        "/<path:path>": [
            *(("GET", f"/athlete/{who}{page}", {}) for page in pages),
            *(("GET", page, {}) for page in (f"/run/{run}", "/roster", "/plan", "/upload", "/account")),
        ],
        "/_data/<name>.csv": [
            *(("GET", f"/_data/{name}.csv?athlete={who}", {}) for name in OF_ATHLETE),
            *(("GET", f"/_data/{name}.csv?run={run}", {}) for name in OF_RUN),
            *(("GET", f"/_data/{name}.csv", {}) for name in OF_ALL),
        ],
        "/_archive/athlete.zip": [("GET", f"/_archive/athlete.zip?athlete={who}", {})],
        "/_plan/calendar.<kind>": [
            ("GET", f"/_plan/calendar.{kind}?athlete={who}&start=2031-01-06", {}) for kind in ("ics", "csv")
        ],
        "/_settings/work": [("GET", f"/_settings/work?athlete={who}", {})],
        "/_upload/list": [("GET", f"/_upload/list?athlete={who}", {})],
        "/_log/template.csv": [("GET", f"/_log/template.csv?athlete={who}", {})],
    }


def session_of(path: Path, of: str) -> str:
    """The id of an exercise in an athlete's log."""
    with Workspace(path, read_only=True) as workspace:
        return str(workspace.load_logged(of)["session_id"][0])


def zone_of(path: Path, of: str) -> str:
    """The id of the athlete's zone."""
    with Workspace(path, read_only=True) as workspace:
        return str(workspace.load_zones(of)["zone_id"][0])


def writes(path: Path, of: str, claimed: str) -> dict[str, Requests]:
    """Requests that would change something of an athlete, with `claimed` as the athlete of the address."""
    who, job, mark = quote(claimed), job_of(of), mark_of(of)
    session, run = session_of(path, of), run_of(of)
    log = b"date,drill,minutes\n2026-03-09,plank,10\n"
    put = {"session_id": session, "date": "2026-03-02", "drill": "plank", "minutes": "1"}
    link = {"athlete": of, "account": "carol"}
    zone = {"name": "new", "radius_m": "300", "run": run, "lat_deg": None, "lon_deg": None}
    settings = f"/_settings/{{}}?athlete={who}"
    return {
        "/_log/change": [
            ("POST", f"/_log/change?athlete={who}", {"json": {"remove": [session]}}),
            ("POST", f"/_log/change?athlete={who}", {"json": {"put": [put]}}),
        ],
        "/_log/import": [("POST", f"/_log/import?athlete={who}&name=a.csv", {"data": log})],
        "/_log/name": [("POST", f"/_log/name?athlete={who}", {"json": {"logged": "x", "drill": "plank"}})],
        "/_log/proposals": [
            (
                "POST",
                f"/_log/proposals?athlete={who}",
                {"json": {"session_ids": [session], "status": "accepted"}},
            )
        ],
        "/_marks/add": [
            (
                "POST",
                f"/_marks/add?athlete={who}",
                {"json": {"run": run, "start_m": 0, "end_m": 100, "terrain": "smooth"}},
            )
        ],
        "/_marks/undo": [("POST", f"/_marks/undo?athlete={who}", {"json": {"mark": mark}})],
        "/_plan/draw": [
            (
                "POST",
                f"/_plan/draw?athlete={who}",
                {"json": {"block_weeks": 2, "weeks": 8, "start": "2032-01-05"}},
            )
        ],
        "/_upload/begin": [("POST", f"/_upload/begin?athlete={who}", {"json": {"files": [["x.fit", 1]]}})],
        "/_upload/<job_id>/<int:number>": [
            ("PUT", f"/_upload/{job}/0?offset=0&athlete={who}", {"data": b"abc"})
        ],
        "/_upload/<job_id>/finish": [("POST", f"/_upload/{job}/finish?athlete={who}", {})],
        "/_upload/<job_id>/drop": [("POST", f"/_upload/{job}/drop?athlete={who}", {})],
        "/_settings/change": [("POST", settings.format("change"), {"json": {"key": "units", "value": "mi"}})],
        "/_settings/groups": [("POST", settings.format("groups"), {"json": {"value": "juniors"}})],
        "/_settings/tiles": [("POST", settings.format("tiles"), {"json": {"value": ""}})],
        "/_settings/zone": [("POST", settings.format("zone"), {"json": zone})],
        "/_settings/zone/<what>": [
            ("POST", settings.format(f"zone/{what}"), {"json": {"zone": zone_of(path, of)}})
            for what in ("remove", "restore")
        ],
        "/_account/unlink": [("POST", "/_account/unlink", {"json": link})],
    }


# Of the own account, or of nobody: what they do is tested in test_sign_in.py.
OWN = {
    *("/_account/admin/<what>", "/_account/code", "/_account/link", "/_account/password"),
    *("/_account/sessions", "/_dash-update-component", "/set-password", "/sign-in", "/sign-out"),
    "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>",
    *("/assets/<path:filename>", "/static/<path:filename>"),
    *NOBODYS,
}


def values(of: str) -> dict[str, Any]:
    """What the stores and inputs of the pages hold for an athlete, as a browser may send it of anybody."""
    texts: dict[str, Any] = {f"{page}-athlete.data": of for page in PAGES}
    return texts | {
        "url.pathname": f"/athlete/{quote(of)}",
        "url.search": "?month=2026-03",
        "run-id.data": run_of(of),
        "stretches-asked.data": stretch_of(of),
        "stretches-choice.value": stretch_of(of),
        "roster-open.data": "yes",
        "answer-half-lives-card-opened.data": "yes",
        "answer-dose-card-opened.data": "yes",
        "answer-leftover-card-opened.data": "yes",
        "roster-changed.data": "",
        "colours.data": "light",
        **{f"{page}-changed.data": "" for page in (*PAGES, "run", "account")},
    }


PAGES = ("answer", "runs", "stretches", "balance", "plan", "settings", "upload")
# Callbacks that tell even the athlete nothing more of that kind than was asked: skeletons and figures.
BARE = (
    *("..page.", "..athlete.", "..plan-", "..stretches-", "..balance-calendar", "..run-profile"),
    *("..answer-due", "..answer-half-lives", "..answer-dose", "..answer-leftover", "..settings-starts"),
    "..upload-all.",
)


def callbacks(app: Dash) -> list[str]:
    """The keys of all callbacks that reach the server."""
    return [key for key, spec in app.callback_map.items() if "callback" in spec]


def bodies(browser: Browser, of: str) -> Iterator[tuple[str, str, Any]]:
    """Each read request and each callback for an athlete: what it is, what it says itself, its answer."""
    for requests in reads(of).values():
        for method, address, given in requests:
            yield address, address, browser.ask(method, address, **given)
    told = values(of)
    for key in callbacks(browser.app):
        spec = browser.app.callback_map[key]
        asked = [told[f"{item['id']}.{item['property']}"] for item in (*spec["inputs"], *spec["state"])]
        yield key, str(asked), browser.call(key, told)
    of_a_run = {"url.pathname": f"/run/{run_of(of)}"}
    frame = next(key for key in callbacks(browser.app) if key.startswith("..athlete.data"))
    yield "the frame of a run", str(of_a_run), browser.call(frame, of_a_run)


def secrets_of(path: Path, of: str) -> list[str]:
    """Words and numbers that are an athlete's alone."""
    own = [str(run_row(number)["run_id"]) for number in numbers(of)[:-1]]
    ids = (stretch_of(of), mark_of(of), job_of(of), session_of(path, of), zone_of(path, of))
    return [canary(of), of, *ids, *own]


def try_all(browser: Browser, path: Path, of: str, claims: tuple[str, ...]) -> dict[str, list[int]]:
    """Every writing request against an athlete under each claim; the statuses by rule."""
    statuses: dict[str, list[int]] = {}
    for claimed in claims:
        for rule, requests in writes(path, of, claimed).items():
            for method, address, given in requests:
                answered = browser.ask(method, address, **given)
                statuses.setdefault(rule, []).append(answered.status_code)
                assert canary(of) not in said(answered)
    return statuses


def test_every_route_is_walked(app: Dash, path: Path) -> None:
    """The url map holds no rule that this file does not know."""
    known = {*reads(BOB), *writes(path, BOB, BOB), *OWN}
    assert {rule.rule for rule in app.server.url_map.iter_rules()} == known


def test_every_callback_is_walked(app: Dash) -> None:
    """The callback map asks for no value that this file does not give."""
    wanted = {
        f"{item['id']}.{item['property']}"
        for key in callbacks(app)
        for kind in ("inputs", "state")
        for item in app.callback_map[key][kind]
    }
    assert wanted <= set(values(BOB))


def test_the_owner_sees_all_of_it(app: Dash, path: Path) -> None:
    """The walk means something: bob is answered everywhere, and told more than was asked by all but a few."""
    secrets = secrets_of(path, BOB)
    told = list(bodies(sign_in(app, path, BOB), BOB))
    assert [what for what, _, answered in told if answered.status_code != 200] == []
    bare = [
        what
        for what, asked, answered in told
        if not what.startswith("/") and not any(w in said(answered) for w in secrets if w not in asked)
    ]
    assert [what for what in bare if not what.startswith(BARE)] == []
    assert any(sha(numbers(BOB)[0]) in said(answered) for what, _, answered in told if "/runs.csv" in what)
    seen = {
        word
        for word in secrets
        for _, asked, answered in told
        if word not in asked and word in said(answered)
    }
    assert set(secrets) - seen <= {mark_of(BOB), session_of(path, BOB)}


@pytest.mark.parametrize("name", ["", ADA, "carol", "root"])
def test_nothing_of_another_is_seen(app: Dash, path: Path, name: str) -> None:
    """After bob has filled every cache, nobody else is told any word or number of his.

    What a request said itself may be said back: that there is no such athlete.
    """
    secrets = secrets_of(path, BOB)
    list(bodies(sign_in(app, path, BOB), BOB))
    browser = sign_in(app, path, name) if name else Browser(app)
    for what, asked, answered in bodies(browser, BOB):
        # An admin's list of accounts has their names.
        known = BOB if (name, what) == ("root", "account-body.children") else asked
        told = [word for word in secrets if word in said(answered) and word not in known]
        assert told == [], what
        assert answered.status_code in ((200, 204, 403, 404) if name else (303, 401)), what
        is_page = not what.startswith("/_")
        assert is_page or BOB not in asked or answered.status_code in (403, 404, 401, 303), what


def test_a_shared_recording_is_each_ones_own(app: Dash, path: Path) -> None:
    """Ada and bob have the same recording: each sees the own row of it, with the own title and device."""
    shared = run_row(numbers(BOB)[-1])["run_id"]
    key = next(key for key in callbacks(app) if key.startswith("..run-head"))
    for own, other in ((ADA, BOB), (BOB, ADA)):
        text = said(sign_in(app, path, own).call(key, {**values(own), "run-id.data": shared}))
        assert canary(own) in text
        assert canary(other) not in text


@pytest.mark.parametrize("name", ["", "carol", "root"])
def test_nothing_is_changed_by_who_has_no_athlete(app: Dash, path: Path, name: str) -> None:
    """Strangers, coaches and admins change no row and no file, whatever athlete they claim."""
    before = digest(path)
    browser = sign_in(app, path, name) if name else Browser(app)
    statuses = try_all(browser, path, BOB, (BOB, ADA, name, f"{name}&athlete={BOB}"))
    assert digest(path) == before
    assert {status for found in statuses.values() for status in found} <= {401, 403, 404, 409}


def test_nothing_is_changed_by_another_runner(app: Dash, path: Path) -> None:
    """Ada, with her own name or bob's in the address, changes nothing that is bob's."""
    before = digest(path, BOB)
    statuses = try_all(sign_in(app, path, ADA), path, BOB, (BOB, ADA, f"{ADA}&athlete={BOB}"))
    assert digest(path, BOB) == before
    assert (path / "uploads").is_dir()
    assert not any(statuses_of == [200] for statuses_of in statuses.values())


def test_a_linked_coach_sees_and_changes_nothing(app: Dash, path: Path) -> None:
    """With a link carol sees what bob sees, and writes her own groups alone; without it nothing again."""
    before, carol = digest(path), sign_in(app, path, "carol")
    with AccountBook(path) as book:
        book.add_link(BOB, "carol", datetime.now(UTC))
        answers = list(bodies(carol, BOB))
        told = [(what, said(answered)) for what, _, answered in answers]
        # All data in one file, with positions, is the runner's alone.
        assert {what.split("/")[1] for what, _, answered in answers if answered.status_code != 200} == {
            "_archive"
        }
        assert len([what for what, text in told if canary(BOB) in text]) > 8
        assert not any(zone_of(path, BOB) in text for _, text in told)
        assert not any(sha(number) in text for _, text in told for number in numbers(BOB))
        statuses = try_all(carol, path, BOB, (BOB,))
        del statuses["/_account/unlink"]
        assert statuses.pop("/_settings/groups") == [200]
        assert {status for found in statuses.values() for status in found} == {403}
        assert book.load_links(account="carol").is_empty()
    assert digest(path) == before
    assert not any(canary(BOB) in said(answered) for _, _, answered in bodies(carol, BOB))


def test_a_coachs_groups_are_seen_by_nobody_else(app: Dash, path: Path) -> None:
    """Carol's group of bob is told to her alone, not to him nor to his other coach; it goes with the link."""
    name = "Rekonvaleszenz"
    with AccountBook(path) as book:
        accounts.add_account(book, "dan", "coach", now=datetime.now(UTC))
        for coach in ("carol", "dan"):
            book.add_link(BOB, coach, datetime.now(UTC))
    of_bob = f"/_settings/groups?athlete={BOB}"
    files = [f"/_data/{table}.csv?group={name}" for table in OF_ALL]
    for coach, text in (("carol", name), ("dan", "Ausdauer")):
        assert sign_in(app, path, coach).ask("POST", of_bob, json={"value": text}).status_code == 200
    carol = sign_in(app, path, "carol")
    told = {
        what.strip(".").split(".")[0] for what, _, answered in bodies(carol, BOB) if name in said(answered)
    }
    assert told == {"roster-head", "settings-head", "/_data/roster"}
    assert [carol.ask("GET", file).status_code for file in files] == [200, 200]
    for other in (BOB, "dan", "root", ADA, ""):
        browser = sign_in(app, path, other) if other else Browser(app)
        walked = list(bodies(browser, BOB)) if other in (BOB, "dan") else []
        assert not any(name in said(answered) for _, _, answered in walked), other
        assert {browser.ask("GET", file).status_code for file in files} <= {404, 401}, other
        assert other == "dan" or browser.ask("POST", of_bob, json={"value": ""}).status_code != 200
    with AccountBook(path) as book:
        assert book.load_groups("carol").rows() == [(BOB, name)]
        book.remove_link(BOB, "carol")
        book.remove_account("dan")
    for request in (("GET", files[0]), ("POST", of_bob)):
        assert carol.ask(*request, json={"value": name}).status_code == 404


def test_a_runner_is_shown_no_field_for_groups(app: Dash, path: Path) -> None:
    """Bob's own settings and roster have none, and who sends one all the same is told whose groups are."""
    bob = sign_in(app, path, BOB)
    roster = bob.call(next(key for key in callbacks(app) if key.startswith("..roster-head")), values(BOB))
    assert [row["may_group"] for row in roster.get_json()["response"]["roster-grid"]["rowData"]] == [False]
    assert "No groups yet" not in said(roster)
    settings = bob.call(next(key for key in callbacks(app) if key.startswith("..settings-head")), values(BOB))
    assert settings.get_json()["response"]["settings-data"]["data"]["groups"] is None
    answered = bob.ask("POST", f"/_settings/groups?athlete={BOB}", json={"value": "x"})
    assert (answered.status_code, answered.get_json()["said"][:23]) == (409, "Groups are a coach's: a")


def test_a_route_that_names_no_athlete_is_closed(app: Dash, path: Path) -> None:
    """Who adds a route that changes something, and forgets to say whose, opens nothing."""
    ada = sign_in(app, path, ADA)
    for address in ("POST /_new/thing", "DELETE /_log/change", "PUT /roster", "POST /_settings/groups"):
        assert ada.ask(*address.split(), json={}).status_code == 403


def test_exports_are_noted(app: Dash, path: Path) -> None:
    """A file that somebody takes is a line of the audit log, which has no data in it."""
    sign_in(app, path, BOB).ask("GET", f"/_data/runs.csv?athlete={BOB}")
    with AccountBook(path) as book:
        last = book.load_audit().row(-1, named=True)
    assert (last["account"], last["what"], last["whom"]) == (BOB, "exported", "")
