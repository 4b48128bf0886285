"""Who is signed in: links between runners and coaches, the password, sessions, and an admin's accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, dcc, html

from dashboard import words
from dashboard.components import answer_url, card, named
from dashboard.hosting import Hosting, viewer
from pipeline.account_tables import ROLES
from pipeline.accounts import LINK_LIFE, MIN_PASSWORD, SESSION_IDLE, Viewer

TITLE = "Account"
AUDIT_SHOWN = 100
LIVE: dict[str, Any] = {"aria-live": "polite"}


def layout() -> html.Div:
    """The page without data; assets/account.js sends its forms and buttons to dashboard.account_routes."""
    return html.Div(
        [
            dcc.Store(id="account-changed", data=""),
            html.P(id="account-said", className="said", **LIVE),
            html.Div(id="account-body", className="stack"),
        ],
        className="stack",
    )


def register(app: Dash, hosting: Hosting) -> None:
    """Fill the page for the one who asks."""

    @app.callback(Output("account-body", "children"), Input("account-changed", "data"))
    def fill(_changed: str | None) -> list[Any]:
        who = viewer()
        cards: list[Any] = [_head(who)]
        if who.athlete_id is not None:
            cards.append(_seen_by(hosting, who.athlete_id))
        if who.role != "runner":
            cards.append(_sees(hosting, who))
        cards += [_password(who.name), _sessions(hosting, who)]
        if who.role == "admin":
            cards += [_accounts(hosting), _audit(hosting)]
        return cards


def _head(who: Viewer) -> html.Div:
    words_of = {
        "runner": "Your runs and your log are seen by you, and by the coaches whom you gave a code.",
        "coach": "You see the athletes who gave you a code. Only they themselves change anything.",
        "admin": "You manage accounts. You see no training, unless an athlete gave you a code.",
    }
    sign_out = html.Form(html.Button("Sign out", className="button"), action="/sign-out", method="post")
    return html.Div(
        [
            html.Div(
                [
                    html.P(who.role.title(), className="eyebrow"),
                    html.H1(who.name),
                    html.P(words_of[who.role], className="lede"),
                ]
            ),
            sign_out,
        ],
        className="head spread",
    )


def _seen_by(hosting: Hosting, athlete_id: str) -> html.Section:
    links = hosting.book.load_links(athlete_id=athlete_id)
    rows = [
        _row(f"{link['account']}, since {_day(link['linked_at'])}", _unlink(athlete_id, link["account"]))
        for link in links.iter_rows(named=True)
    ]
    hours = LINK_LIFE.days * 24
    return card(
        "Who sees my runs",
        html.Ul(rows, className="choices") if rows else html.P("Nobody but you.", className="small"),
        html.P(_button("Make a code for a coach", "code"), className="under-table"),
        sub=f"A code holds once and for {hours} hours. Whoever gives it here sees all that you see, changes "
        "nothing, and sees nothing more from the moment on in which one of you ends it.",
    )


def _sees(hosting: Hosting, who: Viewer) -> html.Section:
    links = hosting.book.load_links(account=who.name)
    rows = [
        _row(
            dcc.Link(link["athlete_id"], href=answer_url(link["athlete_id"])),
            _unlink(link["athlete_id"], who.name),
        )
        for link in links.iter_rows(named=True)
    ]
    return card(
        "Athletes who accepted",
        html.Ul(rows, className="choices")
        if rows
        else html.P("No athlete has given you a code yet.", className="small"),
        _form("link", "See this athlete", _input("code", "Code of the athlete", "off")),
    )


def _password(name: str) -> html.Section:
    whose: Any = {"value": name, "readOnly": True, "autoComplete": "username", "type": "text"}
    return card(
        "Password",
        _form(
            "password",
            "Change the password",
            # Unseen and unsent: by it a browser that keeps passwords knows whose this one is.
            html.Div(dcc.Input(id="account-whose", **whose), hidden=True),
            _input("old", "The one you have", "current-password", "password"),
            _input("new", f"The new one, {MIN_PASSWORD} characters or more", "new-password", "password"),
        ),
        sub="A new password signs you out everywhere else.",
    )


def _sessions(hosting: Hosting, who: Viewer) -> html.Section:
    rows = [
        html.Li(
            f"Signed in {_day(row['created_at'])}, last used {_day(row['seen_at'])}"
            + (" (here)" if row["token_sha256"] == who.token_sha256 else "")
        )
        for row in hosting.book.load_sessions(who.name).iter_rows(named=True)
    ]
    return card(
        "Where you are signed in",
        html.Ul(rows),
        html.P(_button("Sign out everywhere", "sessions"), className="under-table"),
        sub=f"A browser that is not used for {SESSION_IDLE.days} days is signed out.",
    )


def _accounts(hosting: Hosting) -> html.Section:
    rows = [
        _row(
            f"{row['name']}: {row['role']}"
            + (f", athlete {row['athlete_id']}" if row["athlete_id"] else "")
            + (", disabled" if row["state"] == "disabled" else ""),
            html.Span(
                [
                    _button("New code", "admin/code", name=row["name"]),
                    _button("Enable", "admin/enable", name=row["name"])
                    if row["state"] == "disabled"
                    else _button("Disable", "admin/disable", name=row["name"]),
                ],
                className="steps",
            ),
        )
        for row in hosting.book.load_accounts().iter_rows(named=True)
    ]
    choice: Any = html.Select(
        [html.Option(role, value=role) for role in ROLES], name="role", className="text"
    )
    add = _form(
        "admin/add",
        "Add the account",
        _input("name", "Name", "off"),
        html.Label(["Role", choice]),
        _input("athlete", "Athlete, where it has another name", "off"),
    )
    return card(
        "Accounts",
        html.Ul(rows, className="choices"),
        add,
        sub="A new account gets a one-time code, by which its owner sets a password.",
    )


def _audit(hosting: Hosting) -> html.Section:
    lines = hosting.book.load_audit().tail(AUDIT_SHOWN).reverse()
    cells = [
        (f"{row['at']:%Y-%m-%d %H:%M}", row["account"] or "server", row["what"], row["whom"])
        for row in lines.iter_rows(named=True)
    ]
    heads = [html.Th(name, scope="col") for name in ("When, UTC", "Who", "What", "Whom")]
    body = [html.Tr([html.Td(text) for text in line]) for line in cells]
    table = html.Table([html.Thead(html.Tr(heads)), html.Tbody(body)], className="table")
    region = html.Div(table, className="scroll", tabIndex="0", role="region", **named("What was done"))
    return card("What was done", region, sub=f"The last {AUDIT_SHOWN} lines; there is no training in them.")


def _unlink(athlete_id: str, account: str) -> html.Button:
    return _button("End it", "unlink", athlete=athlete_id, account=account)


def _row(text: Any, control: Any) -> html.Li:
    return html.Li([html.Span(text, className="words"), control])


def _button(text: str, what: str, **given: str) -> html.Button:
    """Sends `given` to a route; who hears it is told of what."""
    data = {"data-account": what, **{f"data-give-{name}": value for name, value in given.items()}}
    whose: dict[str, Any] = named(f"{text}: {', '.join(given.values())}") if given else {}
    return html.Button(text, className="button", **data, **whose)  # type: ignore[arg-type]


def _form(what: str, button: str, *fields: Any) -> html.Form:
    to: dict[str, Any] = {"data-account": what}
    return html.Form([*fields, html.Button(button, className="button")], className="form under-table", **to)


def _input(name: str, label: str, fill: str, kind: str = "text") -> html.Label:
    settings: Any = {"type": kind, "autoComplete": fill, "name": name}
    return html.Label([label, dcc.Input(id=f"account-{name}", className="text", **settings)])


def _day(at: datetime) -> str:
    return words.day(at.date())
