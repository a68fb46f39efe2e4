"""What every page must pass: no accessibility violation, never wider than its window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

#: What depends on the colour scheme; everything else is the same in light and dark.
COLOUR_RULES = ("color-contrast", "link-in-text-block")


def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds, one line each; only the named rules, when some are named. Loads axe once a page."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(Axe().axe_script)
    options = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    found: list[Any] = page.evaluate(
        "options => axe.run(document, {...options, resultTypes: ['violations']}).then(r => r.violations)",
        options,
    )
    return [
        f"{rule['id']}: {node['html'][:140]} {node.get('failureSummary', '')[:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
