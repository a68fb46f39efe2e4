"""A real browser for tests that need one, and a picture of every page they look at.

`page_for(size, scheme)` opens a page; `picture(page, name)` keeps a screenshot under
build/screenshots/<test>/ for people to look at. Debian's chromium is used, never a download.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}

# Playwright keeps an event loop in this thread, and Django then refuses to touch the database;
# the tests use both, one after the other.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

PageFor = Callable[..., Page]


@pytest.fixture(scope="session")
def assets() -> None:
    """The style sheets and icons that pages load; instant when they are there already."""
    subprocess.run([sys.executable, str(ROOT / "assets" / "build.py")], check=True)


_running: list[Browser] = []


@pytest.fixture(scope="session")
def browser(assets: None) -> Iterator[Browser]:
    """One for the whole process: Playwright does not start twice, and other folders import this fixture."""
    if _running:
        yield _running[0]
        return
    if not Path(CHROMIUM).is_file():
        pytest.fail(f"{CHROMIUM} is missing: apt-get install -y --no-install-recommends chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        _running.append(chromium)
        yield chromium
        _running.clear()
        chromium.close()


@pytest.fixture
def page_for(browser: Browser) -> Iterator[PageFor]:
    """A fresh page: page_for("phone", "dark"), page_for("desktop", javascript=False)."""
    contexts = []

    def page_for(size: str = "desktop", scheme: str = "light", *, javascript: bool = True) -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            java_script_enabled=javascript,
            locale="en-GB",
            timezone_id="UTC",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        return page

    yield page_for
    for context in contexts:
        context.close()


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[[Page, str], Path]:
    """Keep a full-page screenshot; returns where."""
    test = re.sub(r"[^\w-]+", "-", request.node.originalname or request.node.name)
    folder = ROOT / "build" / "screenshots" / test
    folder.mkdir(parents=True, exist_ok=True)

    def picture(page: Page, name: str) -> Path:
        path = folder / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return picture
