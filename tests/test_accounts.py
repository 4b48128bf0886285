"""Accounts: who gets in, until when, and who sees whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from pipeline import accounts
from pipeline.accounts import OverLimit, Refused, TooOften
from pipeline.cli import main
from pipeline.errors import SurefootError
from pipeline.workspace import AccountBook, Workspace

pytestmark = pytest.mark.both_databases
NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
WORD = "correct horse battery"
HERE = "192.0.2.7"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[AccountBook]:
    """Ada and bob run, carol coaches; all have the same password."""
    with AccountBook(tmp_path / "w") as book:
        for name, role in (("ada", "runner"), ("bob", "runner"), ("carol", "coach")):
            accounts.add_account(book, name, role, now=NOW)
            accounts.set_password(book, name, WORD, by="", now=NOW)
        yield book


def viewer(book: AccountBook, name: str, now: datetime = NOW) -> accounts.Viewer:
    """Who `name` is once signed in."""
    found = accounts.find_viewer(book, accounts.sign_in(book, name, WORD, HERE, now=now), now=now)
    assert found is not None
    return found


def test_a_runner_sees_the_own_athlete_and_a_coach_nobody(book: AccountBook) -> None:
    """Without a link the visible athletes are the own one, or none."""
    assert viewer(book, " ADA ").athletes == {"ada"}
    assert viewer(book, "carol").athletes == frozenset()


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("nobody", WORD), ("", WORD), ("ada", "")])
def test_whatever_is_wrong_the_words_are_the_same(book: AccountBook, name: str, password: str) -> None:
    """A name that is there is not told from one that is not."""
    with pytest.raises(Refused, match="the name or the password is wrong"):
        accounts.sign_in(book, name, password, HERE, now=NOW)


def test_an_unknown_name_costs_the_same_work(book: AccountBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a name that is there or not one hash is held against the password, made with the same effort."""
    held: list[str] = []
    verify = PasswordHasher.verify
    monkeypatch.setattr(
        PasswordHasher, "verify", lambda self, kept, given: held.append(kept) or verify(self, kept, given)
    )
    for name in ("ada", "nobody", ""):
        with pytest.raises(Refused):
            accounts.sign_in(book, name, "wrong", name, now=NOW)
    assert [kept.rsplit("$", 2)[0] for kept in held] == ["$argon2id$v=19$m=19456,t=2,p=1"] * 3


@pytest.mark.sqlite_alone
def test_nothing_secret_is_kept(book: AccountBook) -> None:
    """Neither password, token nor code lies in the catalogue: only what was made of them."""
    token = accounts.sign_in(book, "ada", WORD, HERE, now=NOW)
    code = accounts.make_code(book, "link", "ada", by="ada", now=NOW)
    content = b"".join(file.read_bytes() for file in book.path.glob("catalogue.sqlite*"))
    assert b"$argon2id$" in content
    for secret in (WORD, token, code, code.replace("-", "")):
        assert secret.encode() not in content


def test_the_eleventh_try_is_refused_even_if_right(book: AccountBook) -> None:
    """Ten tries in a quarter of an hour, whatever the name's case; afterwards it is open again."""
    for _ in range(accounts.MAX_OF_ACCOUNT):
        with pytest.raises(Refused):
            accounts.sign_in(book, "Ada", "wrong", HERE, now=NOW)
    with pytest.raises(TooOften):
        accounts.sign_in(book, "ada", WORD, "198.51.100.1", now=NOW)
    assert accounts.sign_in(book, "bob", WORD, HERE, now=NOW)
    assert accounts.sign_in(book, "ada", WORD, HERE, now=NOW + accounts.ATTEMPT_WINDOW)


def test_an_address_has_a_limit_over_all_names(book: AccountBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries from one line count together, whatever the names; an IPv6 line is its first 64 bits."""
    monkeypatch.setattr(accounts, "MAX_FROM_ADDRESS", 5)
    for n in range(accounts.MAX_FROM_ADDRESS):
        with pytest.raises(Refused):
            accounts.sign_in(book, f"name {n}", WORD, f"2001:db8::{n:x}", now=NOW)
    with pytest.raises(TooOften):
        accounts.sign_in(book, "ada", WORD, "2001:db8::ffff", now=NOW)
    assert accounts.sign_in(book, "ada", WORD, "2001:db8:0:1::1", now=NOW)


def test_two_processes_count_the_same_tries(book: AccountBook) -> None:
    """The limit is in the catalogue: another worker knows of the tries made at this one."""
    for _ in range(accounts.MAX_OF_ACCOUNT):
        with pytest.raises(Refused):
            accounts.sign_in(book, "ada", "wrong", HERE, now=NOW)
    with AccountBook(book.path) as other, pytest.raises(TooOften):
        accounts.sign_in(other, "ada", WORD, HERE, now=NOW)


def test_sessions_end_by_rest_and_by_age(book: AccountBook) -> None:
    """Unused for a week, or a month old: over. Used every six days it lives its month."""
    for step, lives in ((timedelta(days=6), 4), (timedelta(days=8), 0)):
        token = accounts.sign_in(book, "ada", WORD, HERE, now=NOW)
        found = [accounts.find_viewer(book, token, now=NOW + n * step) for n in range(1, 6)]
        assert [bool(viewer) for viewer in found] == [True] * lives + [False] * (5 - lives)


def test_a_new_password_signs_out_everywhere(book: AccountBook) -> None:
    """All tokens of the account are over, those of others are not; and so when it is disabled."""
    for change in (
        lambda: accounts.set_password(book, "ada", "another password", by="ada", now=NOW),
        lambda: accounts.set_state(book, "bob", "disabled", by="", now=NOW),
    ):
        tokens = {name: accounts.begin_session(book, name, NOW) for name in ("ada", "bob", "carol")}
        change()
        left = {name for name, token in tokens.items() if accounts.find_viewer(book, token, now=NOW)}
    assert left == {"ada", "carol"}
    with pytest.raises(Refused):
        accounts.sign_in(book, "bob", WORD, HERE, now=NOW)
    with pytest.raises(Refused):
        accounts.sign_in(book, "ada", WORD, HERE, now=NOW)


def test_an_old_hash_is_made_anew(book: AccountBook) -> None:
    """A hash of other parameters is replaced when its owner signs in, and holds the same password."""
    book.change_account("ada", password=PasswordHasher(1, 8 * 1024, 1).hash(WORD))
    accounts.sign_in(book, "ada", WORD, HERE, now=NOW)
    assert "m=19456,t=2,p=1" in accounts.find_account(book, "ada")["password"]
    assert accounts.sign_in(book, "ada", WORD, HERE, now=NOW)


def test_consent_by_code_once(book: AccountBook) -> None:
    """A code links once, for a day, and either side ends it at once."""
    carol, ada = viewer(book, "carol"), viewer(book, "ada")
    code = accounts.make_code(book, "link", "ada", by="ada", now=NOW)
    assert accounts.take_link_code(book, carol, code.lower(), HERE, now=NOW) == "ada"
    assert viewer(book, "carol").athletes == {"ada"}
    with pytest.raises(Refused):
        accounts.take_link_code(book, carol, code, HERE, now=NOW)
    accounts.unlink(book, ada, "ada", "carol", now=NOW)
    assert viewer(book, "carol").athletes == frozenset()
    late = accounts.make_code(book, "link", "ada", by="ada", now=NOW)
    with pytest.raises(Refused):
        accounts.take_link_code(book, carol, late, HERE, now=NOW + accounts.LINK_LIFE)
    with pytest.raises(Refused, match="for coaches"):
        accounts.take_link_code(book, viewer(book, "bob"), late, HERE, now=NOW)


def test_nobody_ends_the_link_of_others(book: AccountBook) -> None:
    """A link is ended by its athlete and its coach alone."""
    book.add_link("ada", "carol", NOW)
    with pytest.raises(SurefootError, match="no such link"):
        accounts.unlink(book, viewer(book, "bob"), "ada", "carol", now=NOW)
    accounts.unlink(book, viewer(book, "carol"), "ada", "carol", now=NOW)


def test_a_code_sets_the_password_of_its_account_alone(book: AccountBook) -> None:
    """A code of ada's does not set bob's password, and is used up by the try."""
    code = accounts.make_code(book, "password", "ada", by="", now=NOW)
    with pytest.raises(Refused):
        accounts.take_password_code(book, "bob", code, "a new password", HERE, now=NOW)
    code = accounts.make_code(book, "password", "ada", by="", now=NOW)
    accounts.take_password_code(book, "ada", code, "a new password", HERE, now=NOW)
    assert accounts.sign_in(book, "ada", "a new password", HERE, now=NOW)


def test_upload_limits_say_the_limit(book: AccountBook) -> None:
    """The day's bound and the bound in all, in files and bytes; what is refused is not counted."""
    accounts.let_upload(book, "ada", "1", 10, accounts.DAY_BYTES - 5, now=NOW)
    with pytest.raises(OverLimit, match=r"8 GB within 24 hours, and this would be 20 files and 8\.0 GB"):
        accounts.let_upload(book, "ada", "2", 10, 6, now=NOW)
    accounts.let_upload(book, "ada", "3", 10, 5, now=NOW)
    with pytest.raises(OverLimit, match="10,000 files"):
        accounts.let_upload(book, "bob", "4", accounts.DAY_FILES + 1, 0, now=NOW)
    for day in range(1, 6):
        accounts.let_upload(
            book, "ada", f"day {day}", 1, accounts.DAY_BYTES, now=NOW + timedelta(days=2 * day)
        )
    with pytest.raises(OverLimit, match="50 GB in all"):
        accounts.let_upload(book, "ada", "last", 1, accounts.DAY_BYTES, now=NOW + timedelta(days=20))


def test_a_subject_is_bound_once(book: AccountBook) -> None:
    """OpenID Connect: the verified address finds the account, and from then on the subject alone does."""
    accounts.add_account(book, "eve@example.org", "runner", now=NOW)
    assert accounts.sign_in_subject(book, "issuer 1", "Eve@example.org", now=NOW)
    assert accounts.sign_in_subject(book, "issuer 1", None, now=NOW)
    for subject, email in (("issuer 2", "eve@example.org"), ("issuer 3", "mallory@example.org"), ("x", None)):
        with pytest.raises(Refused):
            accounts.sign_in_subject(book, subject, email, now=NOW)


@pytest.mark.sqlite_alone
def test_forgetting_an_athlete_takes_the_account_along(book: AccountBook, tmp_path: Path) -> None:
    """No byte of the workspace has the name afterwards; the log says that it was done, not of whom."""
    name = "adalovelace"
    accounts.add_account(book, name, "runner", now=NOW, athlete_id="lovelace-ada")
    accounts.set_password(book, name, WORD, by="", now=NOW)
    accounts.sign_in(book, name, WORD, HERE, now=NOW)
    code = accounts.make_code(book, "link", name, by=name, now=NOW)
    accounts.take_link_code(book, viewer(book, "carol"), code, HERE, now=NOW)
    book.close()
    result = CliRunner().invoke(main, ["forget", "lovelace-ada", "--yes", "--workspace", str(book.path)])
    assert (result.exit_code, "the name of the account" in result.output) == (0, True)
    assert name.encode() not in b"".join(f.read_bytes() for f in book.path.rglob("*") if f.is_file())
    with AccountBook(book.path) as after:
        assert "forgotten" in after.load_audit()["what"]
        assert after.find_account("ada") is not None


@pytest.mark.sqlite_alone
def test_an_archive_has_nothing_of_accounts(book: AccountBook, tmp_path: Path) -> None:
    """What a runner takes along has no hash, no session and no link in it."""
    with Workspace(book.path) as workspace, Workspace(tmp_path / "elsewhere") as target:
        workspace.copy_athlete("ada", target)
    with AccountBook(tmp_path / "elsewhere") as elsewhere:
        assert elsewhere.load_accounts().is_empty()


def run(*args: object, given: str = "") -> tuple[int, str]:
    """The command's exit code and what it says."""
    result = CliRunner().invoke(main, ["account", *map(str, args)], input=given)
    return result.exit_code, result.output


def test_the_command_keeps_accounts(tmp_path: Path) -> None:
    """The first admin, a list, a reset, disabling and the log, from the command alone."""
    where = ("--workspace", tmp_path / "w")
    assert run("add", "Root", "--role", "admin", *where, given=f"{WORD}\n") == (0, "root may sign in\n")
    code, said = run("add", "ada", "--role", "runner", "--athlete", "a.l.", "--by-code", *where)
    assert (code, "with the code" in said) == (0, True)
    assert run("list", *where) == (0, "ada: runner, athlete a.l.\nroot: admin\n")
    assert run("reset", "root", *where, given="short\n")[0] == 2
    assert run("disable", "root", *where) == (0, "root is disabled\n")
    assert run("list", *where)[1].endswith("root: admin, disabled\n")
    assert run("enable", "root", *where)[0] == run("remove", "ada", "--yes", *where)[0] == 0
    told = run("audit", *where)[1]
    assert "(server) account disabled: root" in told
    assert "ada" not in told


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("add", "ada", "--role", "runner"), "there is an account 'ada' already"),
        (("add", "x", "--role", "runner", "--athlete", "ada"), "the athlete 'ada' has an account already"),
        (("add", "x", "--role", "coach", "--athlete", "x"), "a coach has no athlete of its own"),
        (("add", " ", "--role", "coach"), "is no name"),
        (("disable", "nobody"), "there is no account 'nobody'"),
    ],
)
def test_what_cannot_be_is_one_line(book: AccountBook, args: tuple[str, ...], said: str) -> None:
    """Wrong calls end with status 2 and one line."""
    code, output = run(*args, "--workspace", book.path, given=f"{WORD}\n")
    assert code == 2
    assert said in output
    assert output.count("\n") == 1


def test_a_password_is_never_an_argument() -> None:
    """No option of any command takes one."""
    for command in main.commands["account"].commands.values():
        assert not any("password" in option for parameter in command.params for option in parameter.opts)
