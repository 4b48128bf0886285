"""What the page Balance asks the server to change, and what hostile requests get."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from dashboard import log_routes, writing
from dashboard.app import create_app
from pipeline.ingest.balance_log import parse_balance_log
from pipeline.log_changes import take_in_log
from pipeline.workspace import Workspace

HOST = {"Host": "127.0.0.1:8050"}
LOG = b"date,drill,minutes\n2026-01-05,tree pose,10\n2026-01-07,plank,20\n"
GOOD = {"put": [{"date": "2026-01-09", "drill": "plank", "minutes": "5"}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with a log of two exercises, and nothing else."""
    with Workspace(tmp_path / "w") as workspace:
        take_in_log(workspace, "new runner/2", parse_balance_log("log.csv", LOG, "new runner/2"))
    return tmp_path / "w"


@pytest.fixture
def client(folder: Path) -> FlaskClient:
    """A browser that sees 500 as an answer."""
    app = create_app(folder)
    app.server.config["PROPAGATE_EXCEPTIONS"] = False
    client: FlaskClient = app.server.test_client()
    return client


def post(client: FlaskClient, path: str, body: Any, athlete: str = "new runner/2", **more: str) -> Any:
    """Ask for a change, by JSON or by bytes."""
    query = {"athlete": athlete, **more}
    sent = {"data": body} if isinstance(body, bytes) else {"json": body}
    return client.post(f"/_log/{path}", query_string=query, headers=HOST, **sent)


def entries(folder: Path) -> list[tuple[str, float]]:
    """(drill, minutes) of the log."""
    with Workspace(folder, read_only=True) as workspace:
        return workspace.load_balance_sessions("new runner/2").select("drill", "minutes").rows()


def test_a_change_and_its_undo(client: FlaskClient, folder: Path) -> None:
    """An added exercise is stored, and what the answer calls its undo takes it out."""
    answered = post(client, "change", GOOD)
    assert answered.status_code == 200
    assert entries(folder)[-1] == ("plank", 5.0)
    assert post(client, "change", answered.json["undo"]).status_code == 200
    assert entries(folder) == [("tree pose", 10.0), ("plank", 20.0)]


def test_a_bad_cell_comes_back_with_words(client: FlaskClient, folder: Path) -> None:
    """The message is the log reader's; nothing is stored."""
    answered = post(client, "change", {"put": [{**GOOD["put"][0], "minutes": "abc"}]})
    (error,) = answered.json["errors"]
    assert (error["line"], error["column"]) == (1, "minutes")
    assert error["message"].startswith("'abc' is not a number")
    assert len(entries(folder)) == 2


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b'"x"', b"\xff"),
        {"put": 1},
        {"put": ["x"]},
        {"put": [{"date": 1}]},
        {"put": [{"athlete_id": "bob"}]},
        {"put": [{"note": "\ud800"}]},
        {"put": [{"note": "a\0b"}]},
        {"put": [{"note": "x" * 3000}]},
        {"put": [{}] * 2000},
        {"remove": "x"},
        {"remove": [1]},
        {"other": []},
    ],
)
def test_what_the_page_never_sends_is_refused(client: FlaskClient, body: Any) -> None:
    """Broken or strange bodies are a 400, on every route that takes JSON."""
    for path in ("change", "proposals", "name"):
        assert post(client, path, body).status_code == 400, path


def test_an_unknown_athlete_is_a_404(client: FlaskClient) -> None:
    """Nobody is made by a request for nobody."""
    for athlete in ("", "bob", "../w", "\ud7ff"):
        assert post(client, "change", GOOD, athlete=athlete).status_code == 404


def test_other_sites_cannot_change_the_log(client: FlaskClient, folder: Path) -> None:
    """A request that another page makes is forbidden."""
    for header in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answered = client.post(
            "/_log/change", query_string={"athlete": "new runner/2"}, json=GOOD, headers=HOST | header
        )
        assert answered.status_code == 403
    assert len(entries(folder)) == 2


def test_an_import_names_its_bad_rows(client: FlaskClient, folder: Path) -> None:
    """Good rows go in, bad ones come back with line and reason."""
    log = b"date,drill,minutes,mood\n2026-01-11,plank,5,fine\n2026-01-12,plank,many,\n"
    said = post(client, "import", log, name="l.csv").json
    assert said["said"].replace("\u00a0", " ") == (
        "l.csv: 1 new session, 0 updated, 0 already there, 1 row left out. Not used: mood."
    )
    assert [(error["line"], error["column"]) for error in said["errors"]] == [(3, "minutes")]
    assert len(entries(folder)) == 3


def test_dates_that_can_be_read_two_ways_are_asked_for(client: FlaskClient, folder: Path) -> None:
    """The import asks which comes first, and takes the answer."""
    log = b"date,drill,minutes\n03/04/2026,plank,5\n"
    asked = post(client, "import", log)
    assert (asked.status_code, asked.json["ask"]) == (409, "dates")
    assert post(client, "import", log, dates="dmy").status_code == 200
    assert len(entries(folder)) == 3
    assert post(client, "import", log, dates="ymd").status_code == 400


@pytest.mark.parametrize("content", [b"", b"\0\1\2", b"PK\x03\x04junk", b"a,b\n1,2\n", b"\xd0\xcf\x11\xe0"])
def test_what_is_no_log_is_a_sentence(client: FlaskClient, content: bytes) -> None:
    """A file that is no log is refused in words."""
    answered = post(client, "import", content, name="x.csv")
    assert answered.status_code == 409
    assert answered.json["said"].startswith("X.csv ")


def test_a_log_is_bounded(client: FlaskClient) -> None:
    """More than 20 MB are not read; a log of more than the usual mebibyte is."""
    assert post(client, "import", b"x" * (log_routes.MAX_LOG_BYTES + 1)).status_code == 413
    assert post(client, "import", LOG + b"\n" * (2 << 20)).status_code == 200


def test_a_drill_gets_a_name(client: FlaskClient, folder: Path) -> None:
    """A known drill is taken, and what is none gets a suggestion."""
    unknown = post(client, "name", {"logged": "tree pose", "drill": "wobble bord"})
    assert unknown.status_code == 409
    assert "did you mean wobble board" in unknown.json["said"]
    assert post(client, "name", {"logged": "tree pose", "drill": "wobble board"}).status_code == 200
    assert entries(folder)[0] == ("wobble board", 10.0)


def test_proposals_that_are_not_there_change_nothing(client: FlaskClient) -> None:
    """Unknown ids are no proposals, and another status is refused."""
    answered = post(client, "proposals", {"session_ids": ["x"], "status": "accepted"})
    assert answered.json["said"].replace("\u00a0", " ") == "0 exercises accepted."
    assert post(client, "proposals", {"session_ids": [], "status": "lost"}).status_code == 400


def test_while_another_process_writes_the_page_is_told_to_wait(
    client: FlaskClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A held lock is a 503 in words, not a lost change without a word."""
    monkeypatch.setattr(writing, "LOCK_WAIT_S", 0.0)
    with Workspace(folder) as other, other.writer_lock():
        answered = post(client, "change", GOOD)
    assert answered.status_code == 503
    assert "is writing to the workspace" in answered.json["said"]


def test_the_template_is_a_log(client: FlaskClient, folder: Path) -> None:
    """What is downloaded as a template can be imported."""
    template = client.get("/_log/template.csv", headers=HOST)
    assert template.headers["Content-Disposition"] == "attachment; filename=balance-log.csv"
    assert post(client, "import", template.data).json["errors"] == []
