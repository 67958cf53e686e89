"""The pictures of the playground in the README, light and dark, taken from the page as it is."""

from __future__ import annotations

import asyncio
import pathlib
from typing import Literal

from playwright.async_api import Browser, expect

import bootstrap
from bench.support import browser as browsers

FOLDER = browsers.ROOT / "playground" / "screenshots"
SIZE = {"width": 1280, "height": 760}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
TALK = (
    ("Ada", "We ship 2.4 on Thursday at 10:00, and Ben holds the pager."),
    ("Ben", "I still need the migration note. Could you show some code?"),
    ("Ada", "The note is half done; I shall finish it on Wednesday."),
    ("Chiara", "Which day do we ship, and who holds the pager?"),
)


def main() -> None:
    """Take them all."""
    asyncio.run(_take())


async def _take() -> None:
    path = bootstrap.find_browser()
    if path is None:
        raise SystemExit("There is no Chromium on this machine: install chromium, then run this again.")
    FOLDER.mkdir(exist_ok=True)
    async with browsers.launched(path) as browser:
        for scheme in SCHEMES:
            async with browsers.serving("playground") as served:
                await _scheme(browser, served.url, scheme)


async def _scheme(browser: Browser, url: str, scheme: Literal["light", "dark"]) -> None:
    for side in ("slack", "discord"):
        async with browsers.looking(browser, url, color_scheme=scheme, viewport=SIZE) as screen:
            await screen.open(side)
            await _talk(screen)
            await _shoot(screen, f"{side}-{scheme}")
            if side == "slack":
                await screen.tab("Money")
                await _shoot(screen, f"money-{scheme}")
                await screen.page.get_by_role("button", name="Trouble").click()
                await _shoot(screen, f"trouble-{scheme}")


async def _talk(screen: browsers.Screen) -> None:
    """Three people in a thread; each answer stands before the next one speaks."""
    for number, (who, text) in enumerate(TALK, 1):
        await screen.page.get_by_label("You are").select_option(label=who)
        await screen.say(f"@Threadmate {text}" if number == 1 else text)
        if number == 1:
            await screen.page.get_by_role("button", name="1 reply").click()
        await expect(screen.answers.last).to_contain_text(f"{who}, you wrote")
    words = f"{2 * len(TALK)} posts word for word"
    await expect(screen.page.locator(".gauge")).to_contain_text(words)
    await expect(screen.page.locator(".chip.good", has_text="end_turn")).to_be_visible()


async def _shoot(screen: browsers.Screen, name: str) -> None:
    path: pathlib.Path = FOLDER / f"{name}.png"
    await screen.page.screenshot(path=path)
    print(path.relative_to(browsers.ROOT))


if __name__ == "__main__":
    main()
