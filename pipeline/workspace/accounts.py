"""The rows of accounts. What they mean, and when they end, is in pipeline.accounts.

They are written beside an import, without the writer lock; what two requests could both do is decided by
how many rows one of them removed.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import dataframely as dy
import sqlalchemy as sa

from pipeline.account_tables import AccountAudit, AccountLinks, Accounts, AccountSessions
from pipeline.errors import SurefootError
from pipeline.tables import DataFrame, Groups
from pipeline.workspace import catalogue
from pipeline.workspace.frames import to_row
from pipeline.workspace.reading import Reading

_accounts, _links, _codes = catalogue.accounts, catalogue.account_links, catalogue.account_codes
_sessions, _uploads = catalogue.account_sessions, catalogue.account_uploads
_attempts, _audit = catalogue.account_attempts, catalogue.account_audit
_groups = catalogue.account_groups


class AccountBook(Reading):
    """The accounts of the workspace at `path`; opened once by whoever serves it."""

    def add_account(self, row: dict[str, Any]) -> None:
        """Keep a row of account_tables.Accounts."""
        with self._noting() as connection:
            connection.execute(_accounts.insert().values(to_row(row)))

    def find_account(self, name: str) -> dict[str, Any] | None:
        """The account of that name."""
        return self._first(Accounts, _accounts, _accounts.c.name == name)

    def find_by_subject(self, subject: str) -> dict[str, Any] | None:
        """The account that this subject of OpenID Connect is bound to."""
        return self._first(Accounts, _accounts, _accounts.c.subject == subject)

    def find_by_athlete(self, athlete_id: str) -> dict[str, Any] | None:
        """The account whose owner the athlete is."""
        return self._first(Accounts, _accounts, _accounts.c.athlete_id == athlete_id)

    def _first(
        self, schema: type[dy.Schema], table: sa.Table, *conditions: sa.ColumnElement[bool]
    ) -> dict[str, Any] | None:
        found = self._load(schema, table, None, *conditions)
        return found.row(0, named=True) if len(found) else None

    def load_accounts(self) -> DataFrame[Accounts]:
        """All accounts, by name."""
        return self._load(Accounts, _accounts, None)

    def change_account(self, name: str, **values: str) -> None:
        """Change an account's password, subject or state."""
        with self._noting() as connection:
            connection.execute(_accounts.update().where(_accounts.c.name == name).values(**values))

    def remove_account(self, name: str) -> None:
        """Remove an account with its links, codes and sessions, and what the audit log says of it."""
        with self._noting() as connection:
            _remove(connection, name)

    def add_session(self, token_sha256: str, account: str, at: datetime) -> None:
        """Sign a browser in."""
        row = to_row({"created_at": at, "seen_at": at})
        with self._noting() as connection:
            connection.execute(_sessions.insert().values(token_sha256=token_sha256, account=account, **row))

    def find_session(self, token_sha256: str) -> dict[str, Any] | None:
        """The session of a token."""
        return self._first(AccountSessions, _sessions, _sessions.c.token_sha256 == token_sha256)

    def load_sessions(self, account: str) -> DataFrame[AccountSessions]:
        """Where an account is signed in, the oldest first."""
        return self._load(
            AccountSessions, _sessions, None, _sessions.c.account == account, order=("seen_at",)
        )

    def see_session(self, token_sha256: str, at: datetime) -> None:
        """Note that the session is used."""
        mine = _sessions.c.token_sha256 == token_sha256
        with self._noting() as connection:
            connection.execute(_sessions.update().where(mine).values(to_row({"seen_at": at})))

    def end_session(self, token_sha256: str) -> None:
        """Sign one browser out."""
        with self._noting() as connection:
            connection.execute(_sessions.delete().where(_sessions.c.token_sha256 == token_sha256))

    def end_sessions(self, account: str) -> None:
        """Sign an account out everywhere."""
        with self._noting() as connection:
            connection.execute(_sessions.delete().where(_sessions.c.account == account))

    def add_link(self, athlete_id: str, account: str, at: datetime) -> None:
        """Let the account see the athlete; one that did goes on with its groups."""
        when = to_row({"linked_at": at})
        mine = (_links.c.athlete_id == athlete_id) & (_links.c.account == account)
        with self._noting() as connection:
            if not connection.execute(_links.update().where(mine).values(when)).rowcount:
                connection.execute(_links.insert().values(athlete_id=athlete_id, account=account, **when))

    def remove_link(self, athlete_id: str, account: str) -> bool:
        """Let the account see the athlete no more; False where it did not."""
        mine = (_links.c.athlete_id == athlete_id) & (_links.c.account == account)
        with self._noting() as connection:
            return bool(connection.execute(_links.delete().where(mine)).rowcount)

    def load_links(
        self, *, athlete_id: str | None = None, account: str | None = None
    ) -> DataFrame[AccountLinks]:
        """Who sees an athlete, or whom an account sees."""
        mine = [] if account is None else [_links.c.account == account]
        return self._load(AccountLinks, _links, athlete_id, *mine)

    def load_groups(self, account: str) -> DataFrame[Groups]:
        """Who of those whom the account sees is in which of its groups."""
        order = ("athlete_id", "name")
        return self._load(Groups, _groups, None, _groups.c.account == account, order=order)

    def save_groups(self, account: str, athlete_id: str, names: Iterable[str]) -> None:
        """Put an athlete into these groups of the account and no others.

        Raises SurefootError where the account is not linked to the athlete.
        """
        rows = [{"account": account, "athlete_id": athlete_id, "name": name} for name in names]
        mine = (_groups.c.account == account) & (_groups.c.athlete_id == athlete_id)
        link = sa.select(_links.c.account).where(
            _links.c.athlete_id == athlete_id, _links.c.account == account
        )
        with self._noting() as connection:
            if connection.scalar(link) is None:
                raise SurefootError("groups are a coach's", "an athlete is grouped by whom a code was given")
            connection.execute(_groups.delete().where(mine))
            if rows:
                connection.execute(_groups.insert(), rows)

    def add_code(self, code_sha256: str, kind: str, account: str, expires_at: datetime) -> None:
        """Keep a code, in the place of an older one of that kind and account."""
        row = {"code_sha256": code_sha256, "kind": kind, "account": account}
        mine = (_codes.c.kind == kind) & (_codes.c.account == account)
        with self._noting() as connection:
            connection.execute(_codes.delete().where(mine))
            connection.execute(_codes.insert().values(row | to_row({"expires_at": expires_at})))

    def take_code(self, code_sha256: str, kind: str, now: datetime) -> str | None:
        """The account of a code that holds, which is used up by that; None where there is none."""
        mine = (_codes.c.code_sha256 == code_sha256) & (_codes.c.kind == kind)
        mine &= _codes.c.expires_at > to_row({"now": now})["now"]
        with self._reading() as connection:
            account = connection.scalar(sa.select(_codes.c.account).where(mine))
        with self._noting() as connection:
            was_first = connection.execute(_codes.delete().where(mine)).rowcount == 1
        return str(account) if account is not None and was_first else None

    def add_attempt(self, account: str, address: str, at: datetime) -> None:
        """Note a try, before it is known whether it is right."""
        row = {"attempt_id": secrets.token_hex(16), "account_sha256": _sha256(account), "address": address}
        with self._noting() as connection:
            connection.execute(_attempts.insert().values(row | to_row({"at": at})))

    def count_attempts(self, account: str, address: str, since: datetime) -> tuple[int, int]:
        """Tries since then of the account, and from the address."""
        late = _attempts.c.at > to_row({"since": since})["since"]
        number = sa.select(sa.func.count()).select_from(_attempts)
        with self._reading() as connection:
            of_account = number.where(late, _attempts.c.account_sha256 == _sha256(account))
            from_there = number.where(late, _attempts.c.address == address)
            return connection.scalar(of_account) or 0, connection.scalar(from_there) or 0

    def drop_attempts(self, account: str) -> None:
        """Forget an account's tries: its owner was there."""
        with self._noting() as connection:
            connection.execute(_attempts.delete().where(_attempts.c.account_sha256 == _sha256(account)))

    def add_upload(self, account: str, job_id: str, files: int, size_bytes: int, at: datetime) -> None:
        """Note an upload that is to begin."""
        row = {"account": account, "job_id": job_id, "files": files, "size_bytes": size_bytes}
        with self._noting() as connection:
            connection.execute(_uploads.insert().values(row | to_row({"at": at})))

    def sum_uploads(self, account: str, since: datetime | None = None) -> tuple[int, int]:
        """Files and bytes of the uploads that an account began."""
        sums = (sa.func.sum(_uploads.c.files), sa.func.sum(_uploads.c.size_bytes))
        query = sa.select(*sums).where(_uploads.c.account == account)
        if since is not None:
            query = query.where(_uploads.c.at > to_row({"since": since})["since"])
        with self._reading() as connection:
            files, size_bytes = connection.execute(query).one()
        return int(files or 0), int(size_bytes or 0)

    def drop_upload(self, account: str, job_id: str) -> None:
        """Take an upload back that was not let in."""
        with self._noting() as connection:
            mine = (_uploads.c.account == account) & (_uploads.c.job_id == job_id)
            connection.execute(_uploads.delete().where(mine))

    def note(self, at: datetime, account: str, what: str, whom: str = "") -> None:
        """Write a line of the audit log."""
        with self._noting() as connection:
            connection.execute(_audit.insert().values(audit_row(at, account, what, whom)))

    def load_audit(self) -> DataFrame[AccountAudit]:
        """The audit log, the oldest line first."""
        return self._load(AccountAudit, _audit, None, order=("at", "entry_id"))

    def sweep_accounts(
        self, *, attempts: datetime, codes: datetime, begun: datetime, seen: datetime, audit: datetime
    ) -> None:
        """Remove what is older than that."""
        old = (
            _attempts.c.at <= to_row({"at": attempts})["at"],
            _codes.c.expires_at <= to_row({"at": codes})["at"],
            _sessions.c.created_at <= to_row({"at": begun})["at"],
            _sessions.c.seen_at <= to_row({"at": seen})["at"],
            _audit.c.at <= to_row({"at": audit})["at"],
        )
        with self._noting() as connection:
            for condition in old:
                connection.execute(condition.left.table.delete().where(condition))


def audit_row(at: datetime, account: str, what: str, whom: str) -> dict[str, Any]:
    """A row of account_tables.AccountAudit."""
    row = {"entry_id": secrets.token_hex(16), "account": account, "what": what, "whom": whom}
    return row | to_row({"at": at})


def accounts_of(connection: sa.Connection, athlete_id: str) -> Collection[str]:
    """The names of the accounts whose owner the athlete is."""
    mine = sa.select(_accounts.c.name).where(_accounts.c.athlete_id == athlete_id)
    return [str(name) for name in connection.scalars(mine)]


def forget_account(connection: sa.Connection, athlete_id: str, at: datetime) -> None:
    """Remove all that accounts know of an athlete; that it was done is noted, without a name."""
    is_hosted = bool(connection.scalar(sa.select(sa.func.count()).select_from(_accounts)))
    for name in accounts_of(connection, athlete_id):
        _remove(connection, name)
    connection.execute(_links.delete().where(_links.c.athlete_id == athlete_id))
    connection.execute(_audit.delete().where(_audit.c.whom == athlete_id))
    if is_hosted:
        connection.execute(_audit.insert().values(audit_row(at, "", "forgotten", "")))


def _remove(connection: sa.Connection, name: str) -> None:
    connection.execute(_accounts.delete().where(_accounts.c.name == name))
    connection.execute(_attempts.delete().where(_attempts.c.account_sha256 == _sha256(name)))
    connection.execute(_audit.delete().where((_audit.c.account == name) | (_audit.c.whom == name)))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
