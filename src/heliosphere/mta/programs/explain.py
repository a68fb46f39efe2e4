"""explain: what would an SMTP session get, and why? The engine's own tables, with nobody connected.

Prints for each command its checks in order, the facts they used, the control line that decided and the
answer. Nothing is stored or counted.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from heliosphere.contracts.codec import encode
from heliosphere.contracts.mail_server import CheckFound, ExplainSession, Explanation, VerbTold
from heliosphere.mta.desk import MailDesk
from heliosphere.mta.programs.child import wall_clock
from heliosphere.mta.rules.errors import TryLater
from heliosphere.mta.rules.store.routing import parse_host_port

REFUSED, TROUBLE = 1, 111


def main(argv: list[str]) -> int:
    """Exit 0 when the message would be taken, 1 when anything is refused, 111 for trouble."""
    wanted = _parser().parse_args(argv)
    try:
        message = _message(wanted.message)
        resolver = parse_host_port(wanted.resolver, 53) if wanted.resolver else None
        desk = MailDesk(wanted.root, wall_clock, (resolver.host, resolver.port) if resolver else None)
        question = ExplainSession(
            wanted.ip, wanted.helo, wanted.sender, tuple(wanted.to), wanted.auth, wanted.submission,
            wanted.tls, wanted.size, message,
        )  # fmt: skip
        told = desk.ask(question)
    except (TryLater, OSError) as trouble:
        print(f"explain: {trouble}", file=sys.stderr)
        return TROUBLE
    assert isinstance(told, Explanation)
    lines = [line for one in told.stories for line in story_lines(one)]
    print(encode(told) if wanted.json else "\n".join(lines))
    return REFUSED if any(_is_refused(one) for one in told.stories) else 0


def story_lines(story: VerbTold) -> list[str]:
    """One command as text; checks that are switched off are counted, not listed."""
    lines = [f"> {story.said}"]
    lines += [f"    {_check_line(one)}" for one in story.checks if one.verdict != "off"]
    off = sum(1 for one in story.checks if one.verdict == "off")
    if off:
        lines.append(f"    (switched off: {off})")
    lines += [f"    fact: {asked}: {found}" for asked, found in story.facts]
    lines += [f"< {one}" for one in story.replies]
    if story.closed:
        lines.append("< (the connection is closed)")
    return lines


def _check_line(check: CheckFound) -> str:
    text = f"{check.check}: {check.verdict}"
    if check.why:
        text += f", {check.why}"
    if check.entry:
        text += f" [control/{check.control}, line {check.line}: {check.entry}]"
    return text


def _is_refused(story: VerbTold) -> bool:
    return (story.closed and not story.replies) or any(one[:1] in "45" for one in story.replies)


def _message(path: str | None) -> str | None:
    if path is None:
        return None
    data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    return data.decode("utf-8", "surrogateescape")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="heliosphere mail explain", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="directory that holds qmail/ and vpopmail/")
    parser.add_argument("--ip", required=True, help="address of the client")
    parser.add_argument("--helo", required=True, help="name the client greets with")
    parser.add_argument("--from", dest="sender", required=True, help="sender; empty for the null sender")
    parser.add_argument("--to", required=True, action="append", help="recipient; may be given several times")
    parser.add_argument("--auth", default="", metavar="USER", help="the client signed in as this user")
    parser.add_argument("--submission", action="store_true", help="on a submission port")
    parser.add_argument("--tls", action="store_true", help="the line is encrypted")
    parser.add_argument("--size", type=int, default=0, help="bytes the client announces")
    parser.add_argument("--message", metavar="FILE", help="a message to check as well; - for standard input")
    parser.add_argument("--resolver", metavar="HOST:PORT", help="DNS server to ask")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
