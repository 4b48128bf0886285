"""The commands of accounts: for who runs a hosted Surefoot."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from pipeline import accounts
from pipeline.account_tables import ROLES
from pipeline.cli.terminal import json_option, say, say_json, workspace_option
from pipeline.cli.words import plural
from pipeline.workspace import AccountBook

name_argument = click.argument("name")
by_code_option = click.option(
    "--by-code", is_flag=True, help="Print a one-time code for the owner to set the password with."
)


@click.group()
def account() -> None:
    """The accounts of a hosted dashboard; passwords come from a prompt or from standard input."""


@account.command()
@name_argument
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the account is for.")
@click.option("--athlete", "athlete_id", help="The runner's athlete, where it has another name.")
@by_code_option
@workspace_option
def add(name: str, role: str, athlete_id: str | None, by_code: bool, folder: Path) -> None:
    """Make an account. The first one, of an admin, is made here."""
    tidy = accounts.tidy_name(name)
    password = None if by_code else _ask_password(tidy)
    with AccountBook(folder) as book:
        accounts.add_account(book, name, role, now=_now(), athlete_id=athlete_id)
        _give_password(book, tidy, password)


@account.command()
@name_argument
@by_code_option
@workspace_option
def reset(name: str, by_code: bool, folder: Path) -> None:
    """Give an account a new password, which signs it out everywhere."""
    with AccountBook(folder) as book:
        tidy = accounts.find_account(book, name)["name"]
        _give_password(book, tidy, None if by_code else _ask_password(tidy))


@account.command(name="list")
@json_option
@workspace_option
def list_(as_json: bool, folder: Path) -> None:
    """Name the accounts."""
    with AccountBook(folder, read_only=True) as book:
        rows = book.load_accounts().drop("password", "subject").to_dicts()
    if as_json:
        say_json(rows)
    else:
        say(_line(row) for row in rows)


def _line(row: dict[str, Any]) -> str:
    athlete = f", athlete {row['athlete_id']}" if row["athlete_id"] else ""
    closed = ", disabled" if row["state"] == "disabled" else ""
    return f"{row['name']}: {row['role']}{athlete}{closed}"


def _state_command(name: str, state: str, help_: str, said: str) -> None:
    @account.command(name=name, help=help_)
    @name_argument
    @workspace_option
    def command(name: str, folder: Path) -> None:
        with AccountBook(folder) as book:
            tidy = accounts.find_account(book, name)["name"]
            accounts.set_state(book, tidy, state, by="", now=_now())
        say([f"{tidy} {said}"])


_state_command("disable", "disabled", "Sign an account out, and let it in no more.", "is disabled")
_state_command("enable", "open", "Let a disabled account in again.", "may sign in again")


@account.command()
@name_argument
@workspace_option
@click.confirmation_option(prompt="Remove this account with its links and its lines of the audit log?")
def remove(name: str, folder: Path) -> None:
    """Remove an account; an athlete's data stay, `surefoot forget` removes them."""
    with AccountBook(folder) as book:
        tidy = accounts.find_account(book, name)["name"]
        book.remove_account(tidy)
        book.note(_now(), "", "account removed")
    say([f"{tidy} is removed"])


@account.command()
@click.option("--last", type=click.IntRange(1), default=50, show_default=True, help="How many lines.")
@json_option
@workspace_option
def audit(last: int, as_json: bool, folder: Path) -> None:
    """Say who did what when: sign-ins, links, exports, accounts; no training data."""
    with AccountBook(folder, read_only=True) as book:
        rows = book.load_audit().drop("entry_id").tail(last).to_dicts()
    if as_json:
        say_json(rows)
        return
    for row in rows:
        whom = f": {row['whom']}" if row["whom"] else ""
        print(f"{row['at']:%Y-%m-%d %H:%M:%S} {row['account'] or '(server)'} {row['what']}{whom}")
    say([plural(len(rows), "line")])


def _give_password(book: AccountBook, name: str, password: str | None) -> None:
    if password is not None:
        accounts.set_password(book, name, password, by="", now=_now())
        say([f"{name} may sign in"])
        return
    code = accounts.make_code(book, "password", name, by="", now=_now())
    days = accounts.PASSWORD_LIFE.days
    say([f"{name} sets the password at /set-password with the code {code} within {days} days"])


def _ask_password(name: str) -> str:
    """From a prompt, or the first line of standard input where that is no terminal."""
    if sys.stdin.isatty():
        password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    accounts.check_password(password, name)
    return password


def _now() -> datetime:
    return datetime.now(UTC)
