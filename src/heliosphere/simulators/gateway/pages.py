"""The payment page a payer sees. Plain HTML; the panel never sees what is typed here."""

from __future__ import annotations

from html import escape
from typing import Any

from heliosphere.simulators.gateway.rules import CARDS

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 34rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } .sum { font-size: 1.6rem; font-weight: 600; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { font: inherit; padding: .5rem; width: 100%; box-sizing: border-box; }
button { font: inherit; margin: 1.25rem .5rem 0 0; padding: .6rem 1.2rem; }
.error { border: 2px solid; padding: .5rem .75rem; } .note { border-left: 4px solid; padding-left: .75rem; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem .75rem .15rem 0; }
"""


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/style.css"></head><body><main>{body}</main></body></html>'
    )


def card_form(session: dict[str, Any], error: str = "") -> str:
    """The form for an open session; `error` says why the last try was not taken."""
    amount = f"{session['currency']} {session['amount_minor'] / 100:.2f}"
    problem = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    rows = "".join(
        f"<tr><td><code>{card.number}</code></td><td>{escape(card.what)}</td></tr>" for card in CARDS
    )
    return _page(
        "Pay by card",
        f"<h1>{escape(session['description'])}</h1><p class='sum'>{escape(amount)}</p>"
        "<p class='note'>This is the test gateway: no money moves. Do not type a real card.</p>"
        f"{problem}<form method='post'><label for='number'>Card number</label>"
        "<input id='number' name='number' inputmode='numeric' autocomplete='off' required>"
        "<button name='act' value='pay'>Pay</button>"
        "<button name='act' value='cancel' formnovalidate>Cancel</button></form>"
        f"<h2>Test cards</h2><table><tr><th>Number</th><th>What the bank says</th></tr>{rows}</table>",
    )


def plain(title: str, text: str) -> str:
    return _page(title, f"<h1>{escape(title)}</h1><p>{escape(text)}</p>")
