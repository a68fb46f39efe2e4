"""heliosphere dev controls-page: write docs/mta/controls.md from the registry of mail server controls.

Run in a checkout. A test compares the page with what would be written.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from heliosphere.contracts.controls import REGISTRY
from heliosphere.contracts.controls.registry import Control, Stage

PAGE = Path("docs/mta/controls.md")
_TITLES = {
    "connect": "Connecting",
    "helo": "Greeting",
    "auth": "Signing in",
    "mail": "Sender",
    "rcpt": "Recipient",
    "data": "Message",
    "content": "Content",
    "queue": "Queue and delivery",
    "delivery": "Delivery",
    "bounce": "Bounces",
    "operation": "Operation",
}
_KINDS = {"flag": "0 or 1", "number": "number", "text": "text", "lines": "list"}
_HEAD = """\
# Controls of the mail server

Written by `heliosphere dev controls-page` from the registry (`contracts/controls`); do not edit.

A control is a file of its name in `qmail/control`, or, unless it is a list, a line `name value` in the file
`qmail/control/options`; the file wins. Without either its default counts. A change counts for the next
connection, without a restart, but where the table says *restart*.

- **0 or 1**: digits at the start of the first line; 0 is off, anything above is on.
- **number**: digits at the start of the first line; out of bounds counts as the nearest bound or the default,
  with a warning.
- **text**: the first line, without blanks at its end.
- **list**: an entry a line; empty lines and lines that begin with `#` are left out. No file is not the same
  as an empty one.

In patterns `*` stands for any characters, `?` for one, `[abc]` for one of these, a backslash takes the
meaning from the next character; a line that begins with `!` makes an exception. What cannot be used of a file
is left out or replaced by the default; the log, `heliosphere mail showctl` and the panel name it with its
line, and mail goes on.

*Panel* says whether **E.Manager → Mail servers** can set it; see [mail servers in the panel](panel.md).
"""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="heliosphere dev controls-page", description=__doc__)
    parser.add_argument("--checkout", type=Path, default=Path(), help="the checkout (default: this folder)")
    options = parser.parse_args(argv)
    controls = list(REGISTRY)
    (options.checkout / PAGE).write_text(controls_page(controls, REGISTRY.obsolete))
    print(f"{len(controls)} controls")
    return 0


def controls_page(controls: Iterable[Control[Any]], obsolete: dict[str, str]) -> str:
    """The whole page. Secrets are named without a default."""
    listed = sorted(controls, key=lambda control: control.name)
    lines = [_HEAD]
    for stage in get_args(Stage):
        rows = [control for control in listed if control.stage == stage]
        if rows:
            lines += [f"## {_TITLES[stage]}", "", "| control | kind | default | panel | what it does |"]
            lines += ["| --- | --- | --- | --- | --- |", *(_row(control) for control in rows), ""]
    if obsolete:
        lines += ["## Known and without effect", ""]
        lines += [f"- `{name}`: {why}" for name, why in sorted(obsolete.items())]
        lines.append("")
    return "\n".join(lines)


def _row(control: Control[Any]) -> str:
    name = f'<a id="{control.name}"></a>`{control.name}`'
    panel = "yes" if control.in_panel and not control.secret else "no"
    return f"| {name} | {_kind(control)} | {_default(control)} | {panel} | {_what(control)} |"


def _kind(control: Control[Any]) -> str:
    if control.kind != "number" or (control.at_least is None and control.at_most is None):
        return _KINDS[control.kind]
    if control.at_most is None:
        return f"number from {control.at_least}"
    return f"number, {control.at_least or 0} to {control.at_most}"


def _default(control: Control[Any]) -> str:
    if control.secret:
        return "–"
    if control.default_of is not None:
        return "depends"
    if control.default is None:
        return "none" if control.kind == "lines" else "`me`"
    if control.default == "":
        return "nothing"
    return f"`{int(control.default) if control.kind == 'flag' else control.default}`"


def _what(control: Control[Any]) -> str:
    parts = [control.summary]
    if control.see:
        parts.append("See " + ", ".join(f"[`{name}`](#{name})" for name in control.see) + ".")
    if control.caution:
        parts.append(f"**{control.caution}**")
    if control.empty_means:
        parts.append(f"Empty: {control.empty_means}")
    if control.example:
        parts.append(f"Example: `{control.example}`.")
    if control.since:
        parts.append(f"Since {control.since}.")
    if control.needs_restart:
        parts.append("*Restart.*")
    return " ".join(parts).replace("|", "\\|")
