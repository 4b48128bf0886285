"""The dashboard: the frame round every page, the addresses, and the app that serves them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html
from flask import Response

from dashboard import queries, theme
from dashboard.account_routes import account_routes
from dashboard.archive_routes import archive_routes
from dashboard.components import (
    ACCOUNT_URL,
    answer_url,
    balance_url,
    icon,
    in_browser,
    named,
    plan_url,
    runs_url,
    settings_url,
    stretches_url,
    upload_url,
)
from dashboard.data_routes import data_routes
from dashboard.first_page import FirstPage
from dashboard.gate import gate
from dashboard.group_routes import group_routes
from dashboard.guard import protect
from dashboard.health import health_routes
from dashboard.hosting import Hosting, own, seen, viewer
from dashboard.log_routes import log_routes
from dashboard.mark_routes import mark_routes
from dashboard.memo import KeptWorkspace
from dashboard.openid import find_provider, openid_routes
from dashboard.pages import (
    account,
    answer,
    balance,
    not_found,
    plan,
    roster,
    run,
    runs,
    settings,
    stretches,
    upload,
)
from dashboard.plan_routes import plan_routes
from dashboard.request_log import log_requests
from dashboard.setting_routes import setting_routes
from dashboard.sign_in import sign_in_routes
from dashboard.upload_routes import upload_routes
from dashboard.visible import Visible
from pipeline import journal
from pipeline.errors import SurefootError
from pipeline.workspace import AccountBook

PAGES = (answer, runs, run, stretches, balance, upload, plan, roster, settings)


def create_app(workspace_path: Path | str, site: str = "") -> Dash:
    """The dashboard over a workspace on disk, opened read only; with accounts where `site` is its address.

    Raises
    ------
    pipeline.errors.SurefootError : the folder is not a workspace.
    """
    workspace = KeptWorkspace(Path(workspace_path))
    if not site:
        return build_app(workspace)
    hosting = Hosting(site, AccountBook(workspace.path))
    visible = Visible(workspace, seen, own, lambda: hosting.book.load_groups(viewer().name))
    app = build_app(visible, hosting, workspace)
    gate(app.server, workspace, hosting)
    return app


def build_app(
    workspace: queries.Workspace,
    hosting: Hosting | None = None,
    whole: queries.Workspace | None = None,
) -> Dash:
    """The dashboard over anything with the read API of a workspace; with accounts, what they do not see lies
    in `whole`.
    """
    whole = whole or workspace
    app = FirstPage(
        lambda pathname: _frame(*_page_of(workspace, hosting, pathname)) if pathname else _frame(None, ""),
        name=__name__,
        use_pages=False,
        title="Surefoot",
        update_title="",
        serve_locally=True,
        suppress_callback_exceptions=True,
        assets_ignore="plotly|first|regenerator",
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    _register_frame(app, workspace, hosting)
    for page in PAGES:
        page.register(app, workspace)
    app.server.register_blueprint(health_routes(whole))
    app.server.register_blueprint(log_routes(workspace.path))
    app.server.register_blueprint(data_routes(workspace))
    app.server.register_blueprint(archive_routes(workspace))
    app.server.register_blueprint(mark_routes(workspace.path))
    app.server.register_blueprint(upload_routes(workspace, whole, hosting))
    app.server.register_blueprint(plan_routes(workspace))
    app.server.register_blueprint(group_routes(workspace, hosting))
    app.server.register_blueprint(setting_routes(workspace, may_lay_tiles=hosting is None))
    if hosting:
        _register_accounts(app, hosting)
    protect(app, whole, hosting)
    if journal.is_kept():
        log_requests(app.server)
    app.server.register_error_handler(SurefootError, _say)
    # A cold server answers simultaneous first requests while Dash is still setting itself up: do it now.
    app.server.test_client().get("/_dash-layout", headers={"Host": "localhost"})
    return app


def _register_accounts(app: Dash, hosting: Hosting) -> None:
    """What a dashboard has only where people sign in."""
    provider = find_provider()
    account.register(app, hosting)
    app.server.register_blueprint(account_routes(hosting))
    app.server.register_blueprint(sign_in_routes(hosting, provider.host if provider else ""))
    if provider:
        app.server.register_blueprint(openid_routes(app.server, hosting, provider))


def _say(error: SurefootError) -> Response:
    """A workspace that cannot be read just now is one sentence, not a crash."""
    return Response(str(error), status=503, mimetype="text/plain")


def find_page(pathname: str) -> tuple[ModuleType, dict[str, str]]:
    """The page of an address and what its layout is given."""
    match [unquote(part) for part in pathname.strip("/").split("/")]:
        case [""]:
            return answer, {}
        case ["athlete", athlete_id]:
            return answer, {"athlete_id": athlete_id}
        case ["athlete", athlete_id, "runs"]:
            return runs, {"athlete_id": athlete_id}
        case ["athlete", athlete_id, "balance"]:
            return balance, {"athlete_id": athlete_id}
        case ["athlete", athlete_id, "upload"]:
            return upload, {"athlete_id": athlete_id}
        case ["upload"]:
            return upload, {}
        case ["athlete", athlete_id, "stretches", *stretch_id] if len(stretch_id) <= 1:
            return stretches, {"athlete_id": athlete_id, "stretch_id": "".join(stretch_id)}
        case ["athlete", athlete_id, "plan"]:
            return plan, {"athlete_id": athlete_id}
        case ["athlete", athlete_id, "settings"]:
            return settings, {"athlete_id": athlete_id}
        case ["plan"]:
            return plan, {}
        case ["roster"]:
            return roster, {}
        case ["run", run_id]:
            return run, {"run_id": run_id}
    return not_found, {}


def _page_of(workspace: queries.Workspace, hosting: Hosting | None, pathname: str) -> tuple[Any, str]:
    """The page at an address, without data, and its title."""
    page, given = find_page(pathname)
    if hosting and (pathname == ACCOUNT_URL or not workspace.athletes()):
        page, given = account, {}
    return page.layout(**given), f"{page.TITLE} · Surefoot"


def _frame(page: Any, title: str) -> dmc.MantineProvider:
    """What is round every page, and the page without data."""
    header = dmc.AppShellHeader(
        html.Div(
            [
                html.Div(
                    [
                        dmc.Burger(id="burger", opened=False, hiddenFrom="sm", size="sm", **named("Menu")),
                        dcc.Link([html.Span(className="logo"), "Surefoot"], href="/", className="brand"),
                    ],
                    className="row",
                ),
                html.Div(
                    [
                        dmc.Select(
                            id="athlete",
                            data=[],
                            allowDeselect=False,
                            searchable=True,
                            className="athlete",
                            placeholder="Athlete",
                            nothingFoundMessage="No such athlete",
                            **named("Athlete"),
                        ),
                        dmc.ColorSchemeToggle(
                            id="scheme",
                            lightIcon=icon("moon"),
                            darkIcon=icon("sun"),
                            variant="default",
                            size="lg",
                            **named("Light or dark"),
                        ),
                    ],
                    className="row",
                ),
            ],
            className="bar",
        )
    )
    shell = dmc.AppShell(
        [
            header,
            dmc.AppShellNavbar(html.Nav(id="nav", **named("Main")), p="sm"),
            dmc.AppShellMain(html.Div(html.Div(page, id="page"), id="main", tabIndex="-1")),
        ],
        id="shell",
        header={"height": 58},
        navbar={"width": 200, "breakpoint": "sm", "collapsed": {"mobile": True}},
        padding=0,
    )
    return dmc.MantineProvider(
        [
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Store(id="page-title", data=title),
            dcc.Store(id="colours"),
            html.Div(id="ignored", hidden=True),
            html.A("Skip to content", href="#main", className="skip"),
            shell,
        ],
        theme={"fontFamily": theme.FONT, "defaultRadius": "md"},
        defaultColorScheme="auto",
    )


def _register_frame(app: Dash, workspace: queries.Workspace, hosting: Hosting | None) -> None:
    @app.callback(
        Output("page", "children"),
        Output("page-title", "data"),
        Input("url", "pathname"),
    )
    def show_page(pathname: str | None) -> tuple[Any, str]:
        return _page_of(workspace, hosting, pathname or "/")

    @app.callback(
        Output("athlete", "data"),
        Output("athlete", "value"),
        Output("nav", "children"),
        Input("url", "pathname"),
    )
    def show_athlete(pathname: str | None) -> tuple[list[str], str | None, list[Any]]:
        athletes = workspace.athletes()
        athlete_id = _athlete_of(workspace, athletes, pathname or "/")
        here = find_page(pathname or "/")[0]
        is_account = pathname == ACCOUNT_URL
        last = [_nav_link("Account", "account", ACCOUNT_URL, here=is_account)] if hosting else []
        if athlete_id is None:
            if hosting:
                return athletes, None, last
            links = [
                _nav_link("Answer", "target", "/", here=here is answer),
                _nav_link("Upload", "upload", upload_url(None), here=here is upload),
            ]
            return athletes, None, links
        return (
            athletes,
            athlete_id,
            [
                _nav_link("Answer", "target", answer_url(athlete_id), here=here is answer),
                _nav_link("Runs", "list", runs_url(athlete_id), here=here in (runs, run)),
                _nav_link("Stretches", "route", stretches_url(athlete_id), here=here is stretches),
                _nav_link("Balance", "calendar", balance_url(athlete_id), here=here is balance),
                _nav_link("Upload", "upload", upload_url(athlete_id), here=here is upload),
                _nav_link("Plan", "plan", plan_url(athlete_id), here=here is plan),
                _nav_link("Roster", "roster", "/roster", here=here is roster),
                _nav_link("Settings", "settings", settings_url(athlete_id), here=here is settings),
                *last,
            ],
        )

    in_browser(
        app, "tellColours", Output("colours", "data"), Input("url", "pathname"), State("colours", "data")
    )
    in_browser(
        app,
        "openAthlete",
        Input("athlete", "value"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    in_browser(app, "setTitle", Output("ignored", "children"), Input("page-title", "data"))
    in_browser(
        app,
        "toggleMenu",
        Output("shell", "navbar"),
        Input("burger", "opened"),
        State("shell", "navbar"),
        prevent_initial_call=True,
    )
    in_browser(
        app,
        "beginPage",
        Output("burger", "opened"),
        Input("url", "pathname"),
        prevent_initial_call=True,
    )


def _athlete_of(workspace: queries.Workspace, athletes: list[str], pathname: str) -> str | None:
    """Whose page an address is; the first athlete's where it does not say."""
    page, given = find_page(pathname)
    if page is run:
        found = queries.find_run(workspace, given["run_id"])
        return found["athlete_id"] if found else None
    wanted = given.get("athlete_id", athletes[0] if athletes else None)
    return wanted if wanted in athletes else None


def _nav_link(text: str, picture: str, href: str, *, here: bool) -> dmc.NavLink:
    return dmc.NavLink(label=text, href=href, leftSection=icon(picture), active=here)
