"""Pure: the pages that somebody sees who installs the bot; nothing in them is asked of anybody else."""

from __future__ import annotations

import dataclasses
import html

_STYLE = (
    "body{font:17px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;"
    "color:#1d1c1d;background:#fff}h1{font-size:1.6rem}a.button{display:inline-block;padding:.7rem 1.2rem;"
    "border:1px solid #8a8a8a;border-radius:.4rem;color:inherit;text-decoration:none;font-weight:600}"
    "a.button:focus,a.button:hover{outline:3px solid #1264a3}"
    "@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#1a1d21}}"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Page:
    """A title, what happened and what to do, and where to go next."""

    title: str
    text: str
    status: int = 200
    link: str = ""  # "" for none
    label: str = ""

    def written(self, nonce: str) -> str:
        """The page; `nonce` lets its style in under `policy`."""
        button = (
            f'<p><a class="button" href="{html.escape(self.link)}">{html.escape(self.label)}</a></p>'
            if self.link
            else ""
        )
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            '<link rel="icon" href="data:,">'
            f'<title>{html.escape(self.title)}</title><style nonce="{nonce}">{_STYLE}</style></head>'
            f"<body><main><h1>{html.escape(self.title)}</h1><p>{html.escape(self.text)}</p>{button}</main>"
            "</body></html>"
        )


def policy(nonce: str) -> str:
    """The Content-Security-Policy: no script, no picture but the empty icon, no frame, no form."""
    return (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def invitation(link: str) -> Page:
    """The page with the button."""
    return Page(
        title="Add Threadmate to Slack",
        text="Slack asks you which workspace, and shows what the app may do there before you agree.",
        link=link,
        label="Add to Slack",
    )


def installed(name: str) -> Page:
    """It worked."""
    return Page(
        title="Threadmate is installed",
        text=f"It is in the workspace {name} now. Mention it in a channel it was invited to, or write to it.",
    )


def denied(again: str) -> Page:
    """The person said no, or may not say yes."""
    return Page(
        title="Nothing was installed",
        text="Slack says that the request was declined. "
        "If your workspace lets only admins add apps, ask one.",
        status=403,
        link=again,
        label="Try again",
    )


def stale(again: str) -> Page:
    """The state is unknown, used, too old or another browser's."""
    return Page(
        title="Please start again",
        text="This installation was begun more than ten minutes ago, in another browser, or is done already. "
        "Nothing was installed by this visit.",
        status=400,
        link=again,
        label="Start again",
    )


def refused(again: str, reason: str) -> Page:
    """Slack does not take the code."""
    return Page(
        title="Slack did not finish the installation",
        text=f"It answered {reason}. Nothing was installed. Start again; if it goes on, tell "
        "whoever runs this bot.",
        status=502,
        link=again,
        label="Start again",
    )


def organisation(again: str) -> Page:
    """An org-wide installation."""
    return Page(
        title="Please choose one workspace",
        text="Threadmate cannot be installed for a whole organisation at once, and gave the permission back. "
        "Install it into each workspace that wants it.",
        status=400,
        link=again,
        label="Start again",
    )
