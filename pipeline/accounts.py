"""What accounts of a hosted dashboard may do, and until when: signing in, codes, links, limits.

Passwords are kept as argon2id hashes, codes and the tokens of sessions as SHA-256 alone.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline.errors import SurefootError
from pipeline.workspace import AccountBook

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_PASSWORD, MAX_PASSWORD, MAX_NAME = 10, 1000, 100
SESSION_IDLE, SESSION_LIFE = timedelta(days=7), timedelta(days=30)
SEEN_EVERY = timedelta(hours=1)
ATTEMPT_WINDOW = timedelta(minutes=15)
MAX_OF_ACCOUNT, MAX_FROM_ADDRESS = 10, 60
LINK_LIFE, PASSWORD_LIFE = timedelta(days=1), timedelta(days=7)
AUDIT_KEPT = timedelta(days=365)
DAY_FILES, DAY_BYTES = 10_000, 8 * 10**9
ALL_FILES, ALL_BYTES = 50_000, 50 * 10**9
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CODE_LETTERS = {"link": 10, "password": 20}
_MAY_LINK = ("coach", "admin")


class Refused(SurefootError):
    """Not let in; the words are the same whatever was wrong."""


class TooOften(SurefootError):
    """Tried too often: later it can be tried again."""


class OverLimit(SurefootError):
    """More is uploaded than an account may."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: an account, its athlete (of runners), and all athletes that it may see."""

    name: str
    role: str
    athlete_id: str | None
    athletes: frozenset[str]
    token_sha256: str


def tidy_name(name: str) -> str:
    """A name as it is kept. Raises SurefootError where it is none."""
    tidy = unicodedata.normalize("NFKC", name).strip().casefold()
    if not tidy or len(tidy) > MAX_NAME or not tidy.isprintable():
        raise SurefootError(f"{name[:MAX_NAME]!r} is no name", f"give 1 to {MAX_NAME} printable letters")
    return tidy


def add_account(
    book: AccountBook, name: str, role: str, *, now: datetime, athlete_id: str | None = None, by: str = ""
) -> str:
    """Make an account without a password; gives its name as kept. A runner's athlete has its name if unsaid.

    Raises SurefootError where the name, or the athlete of another account, is there already.
    """
    tidy = tidy_name(name)
    if role != "runner" and athlete_id is not None:
        raise SurefootError(f"a {role} has no athlete of its own", "leave the athlete out")
    athlete = (athlete_id or tidy) if role == "runner" else None
    if book.find_account(tidy):
        raise SurefootError(f"there is an account {tidy!r} already", "choose another name")
    if athlete is not None and book.find_by_athlete(athlete):
        raise SurefootError(f"the athlete {athlete!r} has an account already", "name another athlete")
    row = {"name": tidy, "role": role, "athlete_id": athlete, "state": "open", "created_at": now}
    book.add_account(row | {"password": "", "subject": None})
    book.note(now, by, "account added", tidy)
    return tidy


def find_account(book: AccountBook, name: str) -> dict[str, Any]:
    """An account by its name. Raises SurefootError where there is none."""
    account = book.find_account(tidy_name(name))
    if account is None:
        raise SurefootError(f"there is no account {name[:MAX_NAME]!r}", "`surefoot account list` names them")
    return account


def set_password(book: AccountBook, name: str, password: str, *, by: str, now: datetime) -> None:
    """Give an account a password and sign it out everywhere. Raises SurefootError where it is too short."""
    check_password(password, name)
    book.change_account(name, password=_hasher().hash(_prepared(password)))
    book.end_sessions(name)
    book.note(now, by, "password changed", "" if by == name else name)


def check_password(password: str, name: str) -> None:
    """Raise SurefootError unless a password is long enough, and not the name."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise SurefootError(
            f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters", "several words in a row are good"
        )
    if name in password.casefold() and len(name) > len(password) / 2:
        raise SurefootError("the password is hardly more than the name", "choose another")


def set_state(book: AccountBook, name: str, state: str, *, by: str, now: datetime) -> None:
    """Disable an account, which signs it out everywhere, or enable it again."""
    book.change_account(name, state=state)
    if state == "disabled":
        book.end_sessions(name)
    book.note(now, by, "account disabled" if state == "disabled" else "account enabled", name)


def sign_in(book: AccountBook, name: str, password: str, address: str, *, now: datetime) -> str:
    """The token of a new session. Raises as `prove`."""
    return begin_session(book, prove(book, name, password, address, now=now), now)


def prove(book: AccountBook, name: str, password: str, address: str, *, now: datetime) -> str:
    """The name, as kept, of the open account that has this password.

    Raises Refused where there is none, TooOften above the limits. It takes the same work for a name that is
    not there.
    """
    try:
        tidy = tidy_name(name)
    except SurefootError:
        tidy = ""
    _count_attempt(book, tidy, address, now)
    account = book.find_account(tidy) if tidy else None
    kept = account["password"] if account and account["password"] else _nobody()
    is_right = _verify(kept, password)
    if account is None or not account["password"] or not is_right or account["state"] != "open":
        book.note(now, tidy if account else "", "sign-in failed")
        raise Refused("the name or the password is wrong", "try again, or ask who runs this Surefoot")
    if _hasher().check_needs_rehash(kept):
        book.change_account(tidy, password=_hasher().hash(_prepared(password)))
    book.drop_attempts(tidy)
    return tidy


def sign_in_subject(book: AccountBook, subject: str, email: str | None, *, now: datetime) -> str:
    """The token of a new session for a subject of OpenID Connect.

    The first time it is bound to the account whose name is the address that the provider has verified.
    Raises Refused where there is none, or it is bound to another.
    """
    account = book.find_by_subject(subject)
    if account is None and email:
        account = book.find_account(tidy_name(email))
        if account is not None and account["subject"] is None and account["state"] == "open":
            book.change_account(account["name"], subject=subject)
            account = book.find_by_subject(subject)
        else:
            account = None
    if account is None or account["state"] != "open":
        book.note(now, account["name"] if account else "", "sign-in failed")
        raise Refused("nobody here has an account for that", "ask who runs this Surefoot for one")
    return begin_session(book, account["name"], now)


def begin_session(book: AccountBook, name: str, now: datetime) -> str:
    """A new token, of which only the hash is kept; what is over is swept on the occasion."""
    book.sweep_accounts(
        attempts=now - ATTEMPT_WINDOW,
        codes=now,
        begun=now - SESSION_LIFE,
        seen=now - SESSION_IDLE,
        audit=now - AUDIT_KEPT,
    )
    token = secrets.token_urlsafe(32)
    book.add_session(sha256(token), name, now)
    book.note(now, name, "signed in")
    return token


def find_viewer(book: AccountBook, token: str, *, now: datetime) -> Viewer | None:
    """Who a token stands for; None where its session is over or the account may not sign in."""
    session = book.find_session(sha256(token))
    if session is None:
        return None
    if now - session["created_at"] >= SESSION_LIFE or now - session["seen_at"] >= SESSION_IDLE:
        book.end_session(session["token_sha256"])
        return None
    account = book.find_account(session["account"])
    if account is None or account["state"] != "open":
        return None
    if now - session["seen_at"] >= SEEN_EVERY:
        book.see_session(session["token_sha256"], now)
    own = {account["athlete_id"]} - {None}
    linked = book.load_links(account=account["name"])["athlete_id"] if account["role"] in _MAY_LINK else ()
    return Viewer(
        account["name"],
        account["role"],
        account["athlete_id"],
        frozenset({*own, *linked}),
        session["token_sha256"],
    )


def make_code(book: AccountBook, kind: str, name: str, *, by: str, now: datetime) -> str:
    """A one-time code, which replaces an older one: to be seen by a coach, or to set a password."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LETTERS[kind]))
    life = LINK_LIFE if kind == "link" else PASSWORD_LIFE
    book.add_code(sha256(code), kind, name, now + life)
    book.note(now, by, "code made", "" if by == name else name)
    return "-".join(code[i : i + 5] for i in range(0, len(code), 5))


def take_link_code(book: AccountBook, viewer: Viewer, code: str, address: str, *, now: datetime) -> str:
    """Link a coach to the runner who made the code; gives the athlete.

    Raises Refused where the code does not hold, TooOften above the limits.
    """
    if viewer.role not in _MAY_LINK:
        raise Refused("a code is for coaches", "give it to yours")
    _count_attempt(book, viewer.name, address, now)
    runner = book.take_code(sha256(_bare(code)), "link", now)
    account = book.find_account(runner) if runner else None
    if account is None or account["athlete_id"] is None or account["state"] != "open":
        raise Refused("this code does not hold", "ask the runner for a new one")
    athlete_id = str(account["athlete_id"])
    book.add_link(athlete_id, viewer.name, now)
    book.drop_attempts(viewer.name)
    book.note(now, viewer.name, "linked", athlete_id)
    return athlete_id


def unlink(book: AccountBook, viewer: Viewer, athlete_id: str, account: str, *, now: datetime) -> None:
    """End a link, by either side. Raises SurefootError where it is not the viewer's or there is none."""
    is_own = viewer.athlete_id == athlete_id or viewer.name == account
    if not is_own or not book.remove_link(athlete_id, account):
        raise SurefootError("there is no such link", "load the page again")
    book.note(now, viewer.name, "unlinked", account if viewer.athlete_id == athlete_id else athlete_id)


def take_password_code(
    book: AccountBook, name: str, code: str, password: str, address: str, *, now: datetime
) -> None:
    """Set a password by a one-time code. Raises Refused where the code is not of this account."""
    tidy = tidy_name(name)
    check_password(password, tidy)
    _count_attempt(book, tidy, address, now)
    if book.take_code(sha256(_bare(code)), "password", now) != tidy:
        raise Refused("this code does not hold for this name", "ask who runs this Surefoot for a new one")
    set_password(book, tidy, password, by=tidy, now=now)
    book.drop_attempts(tidy)


def let_upload(
    book: AccountBook, name: str, job_id: str, files: int, size_bytes: int, *, now: datetime
) -> None:
    """Count an upload before it begins. Raises OverLimit, and counts nothing, where it is too much."""
    book.add_upload(name, job_id, files, size_bytes, now)
    day, every = book.sum_uploads(name, now - timedelta(days=1)), book.sum_uploads(name)
    for (n, size), most, most_bytes, span in (
        (day, DAY_FILES, DAY_BYTES, "within 24 hours"),
        (every, ALL_FILES, ALL_BYTES, "in all"),
    ):
        if n > most or size > most_bytes:
            book.drop_upload(name, job_id)
            raise OverLimit(
                f"an account may send {most:,} files and {most_bytes / 1e9:.0f} GB {span}, and this would be"
                f" {n:,} files and {size / 1e9:.1f} GB",
                "send less, or the rest later" if span != "in all" else "ask who runs this Surefoot",
            )


def network_address(address: str) -> str:
    """An address as tries are counted by: of IPv6 the first 64 bits, which one line has for itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network(f"{parsed}/64", strict=False))


def sha256(text: str) -> str:
    """What is kept of a token or a code."""
    return hashlib.sha256(text.encode()).hexdigest()


def _bare(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())


def _count_attempt(book: AccountBook, name: str, address: str, now: datetime) -> None:
    """Note a try and raise TooOften where there were too many: noted first, so that none slips through."""
    network = network_address(address)
    book.add_attempt(name, network, now)
    of_account, from_there = book.count_attempts(name, network, now - ATTEMPT_WINDOW)
    if of_account > MAX_OF_ACCOUNT or from_there > MAX_FROM_ADDRESS:
        minutes = ATTEMPT_WINDOW.seconds // 60
        raise TooOften("that was tried too often", f"wait {minutes} minutes, then try again")


@cache
def _hasher() -> PasswordHasher:
    """argon2id with 19 MiB and two passes, the least that OWASP's password storage sheet names: eight threads
    of a server may be at it at once."""
    try:
        from argon2 import PasswordHasher
    except ImportError:
        raise SurefootError(
            "accounts need argon2, which is not installed", "pip install 'surefoot[hosted]'"
        ) from None
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    """The hash that the password of an unknown name is held against."""
    return _hasher().hash(secrets.token_hex(16))


def _verify(kept: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(kept, _prepared(password[: MAX_PASSWORD + 1]))
    except (VerificationError, InvalidHashError):
        return False


def _prepared(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
