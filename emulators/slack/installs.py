"""The app in several workspaces: consent, codes, tokens that run out, and taking it out again.

Sources: docs.slack.dev, installing with OAuth (codes are good once and for ten minutes, the redirect_uri of
the exchange is that of the consent), using token rotation (twelve hours; the refresh token is revoked by its
use), oauth.v2.access, auth.revoke, apps.uninstall.
"""

from __future__ import annotations

import dataclasses
import html
import urllib.parse
from typing import TYPE_CHECKING, Any

from aiohttp import web

from emulators.slack import api_error, methods

if TYPE_CHECKING:
    from emulators.slack import state

Json = dict[str, Any]

CODE_SECONDS = 600.0
TOKEN_SECONDS = 43_200
NO_TOKEN = frozenset({"oauth.v2.access"})  # known by the client's secret instead


@dataclasses.dataclass(kw_only=True)
class Code:
    """What a consent gave, to be exchanged once."""

    workspace: state.State
    redirect_uri: str
    scopes: frozenset[str]
    organisation: bool
    made_at: float
    used: bool = False


@dataclasses.dataclass(kw_only=True)
class Token:
    """A bot token; `error` is what a call with it is told once it is good no more."""

    workspace: state.State
    expires_at: float | None = None
    error: str = ""


class App:
    """What the workspaces of one emulator share: the app as its operator registered it."""

    def __init__(self, *, first: state.State) -> None:
        self.client_id = "1000000000.2000000000"
        self.client_secret = "emulated-client-secret"
        self.redirect_uris: set[str] = set()
        self.rotates = False  # token_rotation_enabled
        self.workspaces = [first]
        self.names: dict[str, str] = {first.team_id: "Emulated workspace"}
        self.tokens: dict[str, Token] = {}
        self.refresh_tokens: dict[str, state.State] = {}
        self._codes: dict[str, Code] = {}
        self._count = 0

    def holder(self, token: str | None) -> state.State | None:
        """The workspace of a bot token, good or not."""
        if token in self.tokens:
            return self.tokens[token].workspace
        return next((each for each in self.workspaces if token and each.bot_token == token), None)

    def refusal(self, token: str) -> str:
        """Why a bot token is good no more; "" while it is."""
        known = self.tokens.get(token)
        if known is None:
            return ""
        late = known.expires_at is not None and known.workspace.clock() >= known.expires_at
        return known.error or ("token_expired" if late else "")

    def consent(
        self,
        workspace: state.State,
        *,
        redirect_uri: str,
        scopes: frozenset[str],
        organisation: bool = False,
    ) -> str:
        """Somebody agrees; returns the code."""
        code = f"emulated-code-{self._number()}"
        self._codes[code] = Code(
            workspace=workspace,
            redirect_uri=redirect_uri,
            scopes=scopes,
            organisation=organisation,
            made_at=workspace.clock(),
        )
        return code

    def access(self, request: methods.Request) -> Json:
        """oauth.v2.access: a code or a refresh token for an access token."""
        if request.text("client_id") != self.client_id:
            raise api_error.ApiError("invalid_client_id")
        if request.text("client_secret") != self.client_secret:
            raise api_error.ApiError("bad_client_secret")
        if request.optional("grant_type") == "refresh_token":
            workspace = self.refresh_tokens.pop(request.text("refresh_token"), None)
            if workspace is None or not workspace.installed:
                raise api_error.ApiError("invalid_refresh_token")
            return self._grant(workspace)
        code = self._codes.get(request.text("code"))
        if code is None or code.workspace.clock() - code.made_at > CODE_SECONDS:
            raise api_error.ApiError("invalid_code")
        if code.used:
            raise api_error.ApiError("code_already_used")
        if request.optional("redirect_uri") != code.redirect_uri:
            raise api_error.ApiError("bad_redirect_uri")
        code.used = True
        code.workspace.scopes = set(code.scopes)
        code.workspace.installed, code.workspace.token_error = True, None
        answer = self._grant(code.workspace)
        return answer | ({"team": None, "is_enterprise_install": True} if code.organisation else {})

    def end(self, workspace: state.State, error: str) -> None:
        """Every token of a workspace is good no more."""
        for token in self.tokens.values():
            if token.workspace is workspace:
                token.error = error
        self.refresh_tokens = {
            token: holder for token, holder in self.refresh_tokens.items() if holder is not workspace
        }

    def _grant(self, workspace: state.State) -> Json:
        prefix = "xoxe.xoxb" if self.rotates else "xoxb"
        token = f"{prefix}-{workspace.team_id}-{self._number()}"
        expires = workspace.clock() + TOKEN_SECONDS if self.rotates else None
        self.tokens[token] = Token(workspace=workspace, expires_at=expires)
        workspace.bot_token = token
        answer: Json = {
            "access_token": token,
            "token_type": "bot",
            "scope": ",".join(sorted(workspace.scopes)),
            "bot_user_id": workspace.bot_user_id,
            "app_id": workspace.app_id,
            "team": {"id": workspace.team_id, "name": self.names[workspace.team_id]},
            "enterprise": None,
            "authed_user": {"id": "U0INSTALLER"},
            "is_enterprise_install": False,
        }
        if self.rotates:
            refresh = f"xoxe-1-{workspace.team_id}-{self._number()}"
            self.refresh_tokens[refresh] = workspace
            answer |= {"expires_in": TOKEN_SECONDS, "refresh_token": refresh}
        workspace.changed.ring()
        return answer

    def _number(self) -> int:
        self._count += 1
        return self._count


def revoke(request: methods.Request) -> Json:
    """auth.revoke: the token it is called with."""
    workspace = request.state
    workspace.app.end(workspace, "token_revoked")
    tokens = {"oauth": [], "bot": [workspace.bot_user_id]}
    workspace.send_event({"type": "tokens_revoked", "tokens": tokens, "event_ts": workspace.new_ts()})
    return {"revoked": True}


METHODS = {"auth.revoke": methods.Method(handler=revoke)}


class Consent:
    """The page at `/oauth/v2/authorize`, where a person chooses the workspace and says yes or no."""

    def __init__(self, *, app: App) -> None:
        self._app = app

    async def show(self, request: web.Request) -> web.Response:
        """GET: what is asked for, or what is wrong with the request."""
        asked = request.query
        problem = self._problem(asked)
        if problem:
            return _html(f"<h1>Something went wrong</h1><p>{problem}</p>", status=400)
        kept = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(asked.get(name, ""))}">'
            for name in ("client_id", "redirect_uri", "scope", "state")
        )
        teams = "".join(
            f'<label><input type="radio" name="team" value="{each.team_id}">'
            f"{html.escape(self._app.names[each.team_id])}</label><br>"
            for each in self._app.workspaces
        )
        rights = "".join(f"<li>{html.escape(each)}</li>" for each in asked["scope"].split(","))
        return _html(
            f'<h1>Threadmate wants to join</h1><ul>{rights}</ul><form method="post">{kept}{teams}'
            '<button name="say" value="yes">Allow</button>'
            '<button name="say" value="no">Cancel</button></form>'
        )

    async def decide(self, request: web.Request) -> web.Response:
        """POST: back to the app, with a code or with the refusal."""
        form = {key: str(value) for key, value in (await request.post()).items()}
        problem = self._problem(form)
        if problem:
            return _html(f"<h1>Something went wrong</h1><p>{problem}</p>", status=400)
        back = {"state": form.get("state", "")}
        if form.get("say") == "yes":
            chosen = next(each for each in self._app.workspaces if each.team_id == form["team"])
            back["code"] = self._app.consent(
                chosen, redirect_uri=form["redirect_uri"], scopes=frozenset(form["scope"].split(","))
            )
        else:
            back["error"] = "access_denied"
        raise web.HTTPFound(f"{form['redirect_uri']}?{urllib.parse.urlencode(back)}")

    def _problem(self, asked: Any) -> str:
        if asked.get("client_id") != self._app.client_id:
            return "invalid_client_id"
        if asked.get("redirect_uri") not in self._app.redirect_uris:
            return "redirect_uri did not match any configured URIs"
        return "" if asked.get("scope") else "invalid_scope"


def _html(body: str, *, status: int = 200) -> web.Response:
    page = f'<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Slack</title>{body}</html>'
    return web.Response(text=page, content_type="text/html", status=status)
