"""The tables of accounts: who may sign in to a hosted dashboard, and who sees whom. Nothing of training."""

from __future__ import annotations

import dataframely as dy

from pipeline.columns import choice, count, instant, text

ROLES = ("runner", "coach", "admin")
STATES = ("open", "disabled")
CODE_KINDS = ("link", "password")
AUDITED = (
    *("signed in", "sign-in failed", "signed out", "sessions ended"),
    *("account added", "account disabled", "account enabled", "account removed", "password changed"),
    *("code made", "linked", "unlinked", "exported", "forgotten"),
)


class Accounts(dy.Schema):
    """One row per account."""

    name = text("what its owner signs in with, in small letters", key=True)
    role = choice("a runner has an athlete, a coach sees those who accepted, an admin has accounts", ROLES)
    athlete_id = text("the athlete that is its owner, of runners", nullable=True)
    password = text("argon2 hash, empty where none was set")
    subject = text("issuer and subject of OpenID Connect, bound by the first sign-in", nullable=True)
    state = choice("whether it may sign in", STATES)
    created_at = instant("when it was made")


class AccountLinks(dy.Schema):
    """One row per athlete and account that may see the athlete, who gave it a code for that."""

    athlete_id = text("who is seen", key=True)
    account = text("who sees", key=True)
    linked_at = instant("when the code was given")


class AccountGroups(dy.Schema):
    """One row per group that an account put an athlete into whom it sees: gone with the link, seen by nobody
    else.
    """

    account = text("whose group it is", key=True)
    athlete_id = text("who is in the group", key=True)
    name = text("what it is called", key=True)


class AccountCodes(dy.Schema):
    """One row per one-time code that nobody has given yet."""

    code_sha256 = text("SHA-256 of the code", key=True)
    kind = choice("to be accepted by a runner, or to set a password", CODE_KINDS)
    account = text("the runner who made it, or whose password it sets")
    expires_at = instant("until when it holds")


class AccountSessions(dy.Schema):
    """One row per browser that is signed in."""

    token_sha256 = text("SHA-256 of the cookie's token", key=True)
    account = text("who is signed in")
    created_at = instant("when")
    seen_at = instant("last request, to the hour")


class AccountAttempts(dy.Schema):
    """One row per try to sign in or to give a code within the last quarter of an hour."""

    attempt_id = text("random", key=True)
    at = instant("when")
    account_sha256 = text("SHA-256 of the name that was given")
    address = text("address of the network, of IPv6 its first 64 bits")


class AccountUploads(dy.Schema):
    """One row per upload that was begun, for the limits."""

    account = text("who sends it", key=True)
    job_id = text("the upload", key=True)
    at = instant("when it was begun")
    files = count("files")
    size_bytes = count("size", unit="bytes")


class AccountAudit(dy.Schema):
    """One row per thing that was done with accounts and across them; no training data."""

    entry_id = text("random", key=True)
    at = instant("when")
    account = text("who did it, empty for somebody unknown and for the command on the server")
    what = choice("what", AUDITED)
    whom = text("with which account or athlete, empty where it is the own one")
