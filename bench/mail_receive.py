"""What receiving mail costs: our engine with and without its checks, beside Postfix.

.venv/bin/python bench/mail_receive.py [--quick] [--only NAME,…] [--json FILE]

Servers take turns (A B C D, D C B A, …) under the same load on 127.0.0.1; ratios are of neighbours in one
turn, so what disturbs the machine disturbs both. Wants root (Postfix does). docs/mta/performance.md says
what the figures mean; figures: accept, sessions, auth, idle, growth.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT / "src"), str(CHECKOUT)]

from bench import mail_lists, mail_sessions  # noqa: E402
from bench.mail_engine import DOMAIN, NO_CHECKS, Engine, cpu_of, free_port  # noqa: E402
from bench.mail_load import Load, NameServer, send  # noqa: E402
from bench.mail_peers import Missing  # noqa: E402
from bench.mail_postfix import Postfix  # noqa: E402

FIGURES = ("accept", "sessions", "auth", "idle", "growth")
BOXES = 500


@dataclass(frozen=True)
class Extent:
    """How much is done: seconds for each figure that takes turns, and counts of sessions."""

    accept: float = 90.0
    rounds: int = 1
    """Of one load: each fills every mailbox twice. Short turns: neighbours have the same noise."""
    sessions: float = 20.0
    session_count: int = 2_000
    idle: int = 5_000
    growth: int = 100_000


QUICK = Extent(accept=6.0, sessions=2.0, session_count=400, idle=300, growth=4_000)


@dataclass
class Sample:
    """One turn of one server: per second, and milliseconds of processor time for each."""

    rate: float
    cpu_ms: float


@dataclass
class Server:
    """`cpu` tells the seconds of processor time so far; `empty` throws away what was delivered."""

    name: str
    port: int
    cpu: Callable[[], float]
    empty: Callable[[], None]
    delivered: Callable[[], int]
    samples: list[Sample] = field(default_factory=list)


@dataclass
class Results:
    raw: dict[str, object] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)

    def judge(self, what: str, value: float, most: float, unit: str = "") -> None:
        good = value <= most
        print(f"    goal: at most {most:g}{unit}: {'reached' if good else 'MISSED'}")
        if not good:
            self.missed.append(what)


def main() -> int:
    options = _options()
    extent = QUICK if options.quick else Extent()
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(most, 2 * extent.idle + 500)), most))
    results = Results()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    home = Path(tempfile.mkdtemp(prefix="heliosphere-bench-", dir="/var/tmp"))
    home.chmod(0o755)
    begun = time.monotonic()
    try:
        with NameServer() as resolver:
            if {"accept", "sessions"} & options.only:
                measure_beside_postfix(home, resolver, extent, options.only, results)
            if "auth" in options.only:
                measure_authentication(options.quick)
            if "idle" in options.only:
                measure_idle(home, resolver, extent, results)
            if "growth" in options.only:
                measure_growth(home, resolver, extent, results)
    except Missing as trouble:
        print(trouble, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(home, ignore_errors=True)
    verdict = f"missed: {', '.join(results.missed)}" if results.missed else "all goals reached"
    print(f"\n{time.monotonic() - begun:.0f} s; {verdict}")
    if options.json:
        options.json.write_text(json.dumps(results.raw, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a minute: shows that it works")
    parser.add_argument("--only", type=_figures, default=set(FIGURES), help=", ".join(FIGURES))
    parser.add_argument("--json", type=Path, help="keep every sample")
    return parser.parse_args()


def _figures(text: str) -> set[str]:
    wanted = set(text.split(","))
    if not wanted <= set(FIGURES):
        raise argparse.ArgumentTypeError(f"one of {', '.join(FIGURES)}")
    return wanted


# Taking turns


def measure_beside_postfix(
    home: Path, resolver: int, extent: Extent, only: set[str], results: Results
) -> None:
    with running(home, resolver) as servers:
        if "accept" in only:
            load = Load(extent.rounds, BOXES)
            take_turns(servers, extent.accept, lambda server: _deliver(server, load))
            print("\n4 KiB to one recipient, many in a session (messages a second, ms of processor time)")
            report(servers, results, "accept")
            judge_ratio(servers, "full", "none", 1.12, "a: the full chain", results)
            judge_ratio(servers, "lists", "full", 1.05, "b: twenty lists", results)
            show_ratio(servers, "full", "postfix")
        if "sessions" in only:
            for server in servers:
                server.samples.clear()
            take_turns(servers, extent.sessions, lambda server: _greet(server, extent.session_count))
            print("\nconnect, EHLO, QUIT (sessions a second, ms of processor time)")
            report(servers, results, "sessions")
            show_ratio(servers, "full", "none")
            show_ratio(servers, "full", "postfix")


@contextmanager
def running(home: Path, resolver: int) -> Iterator[list[Server]]:
    """The four servers, all of them up; those whose turn it is not have nothing to do."""
    many = {"tcpsessioncount": "200"}
    engines = {
        "none": Engine(home / "none", {**NO_CHECKS, **many}, BOXES, resolver=resolver),
        "full": Engine(home / "full", many, BOXES, resolver=resolver),
        "lists": Engine(home / "lists", many, BOXES, resolver=resolver, prepare=mail_lists.write),
    }
    postfix = Postfix(home / "postfix", _postfix_mailboxes(home / "postfix"), free_port())
    with ExitStack() as up:
        for engine in engines.values():
            engine.start()
            up.callback(engine.stop)
        postfix.start()
        up.callback(postfix.stop)
        yield [
            *(Server(name, one.port, one.cpu, one.empty, one.delivered) for name, one in engines.items()),
            _as_server(postfix),
        ]
        for name in ("full", "lists"):
            _check_genuine(engines[name])


def _postfix_mailboxes(home: Path) -> str:
    """Maildirs of the account `mail`, as our tree has them; the lines of main.cf for them."""
    (home / "etc").mkdir(parents=True)
    for number in range(1, BOXES + 1):
        for part in ("tmp", "new", "cur"):
            (home / "boxes" / f"{number}u" / part).mkdir(parents=True)
    subprocess.run(["chown", "-R", "nobody", str(home / "boxes")], check=True)
    table = "".join(f"{number}u@{DOMAIN} {number}u/\n" for number in range(1, BOXES + 1))
    (home / "etc/boxes").write_text(table)
    owner = f"static:{int(subprocess.run(['id', '-u', 'nobody'], capture_output=True, check=True).stdout)}"
    return (
        f"myhostname = mx.{DOMAIN}\nmydestination =\nvirtual_mailbox_domains = {DOMAIN}\n"
        f"virtual_mailbox_base = {home}/boxes\nvirtual_mailbox_maps = texthash:{home}/etc/boxes\n"
        f"virtual_uid_maps = {owner}\nvirtual_gid_maps = {owner}\nvirtual_minimum_uid = 100\n"
        "virtual_mailbox_limit = 0\n"
    )


def _as_server(postfix: Postfix) -> Server:
    boxes = postfix.home / "boxes"

    def empty() -> None:
        for path in boxes.glob("*/new/*"):
            path.unlink()

    return Server(
        "postfix", int(postfix.port or 0), lambda: cpu_of(postfix.process.pid), empty,
        lambda: sum(1 for _ in boxes.glob("*/new/*")),
    )  # fmt: skip


def _check_genuine(engine: Engine) -> None:
    """A server that took its clients for its own would not have verified anything."""
    letter = next((engine.home / "vpopmail").glob("**/Maildir/new/*"), None)
    if letter is not None and b"spf=pass" not in letter.read_bytes():
        raise SystemExit(f"nothing was verified: {letter.read_bytes()[:500]!r}")


def take_turns(servers: list[Server], seconds: float, turn: Callable[[Server], Sample]) -> None:
    """First a turn that does not count, then whole rounds while there is time; two at least."""
    for server in servers:
        turn(server)
    end, rounds = time.monotonic() + seconds, 0
    while rounds < 2 or time.monotonic() < end:
        for server in servers if rounds % 2 == 0 else servers[::-1]:
            server.samples.append(turn(server))
        rounds += 1


def _deliver(server: Server, load: Load) -> Sample:
    server.empty()
    os.sync()
    before = server.cpu()
    begun = time.perf_counter()
    accepted = send(load, server.port)
    while (count := server.delivered()) < load.messages and time.perf_counter() - begun < 60:
        time.sleep(0.05)
    if count != load.messages:
        raise SystemExit(f"{server.name}: {load.messages} messages were sent, {count} are there")
    return Sample(load.messages / accepted, (server.cpu() - before) / load.messages * 1000)


def _greet(server: Server, count: int) -> Sample:
    before = server.cpu()
    spent = mail_sessions.talk(server.port, count)
    return Sample(count / spent, (server.cpu() - before) / count * 1000)


def report(servers: list[Server], results: Results, figure: str) -> None:
    for server in servers:
        rates = [one.rate for one in server.samples]
        times = [one.cpu_ms for one in server.samples]
        shown = f"{spread(rates, '.0f'):>24} /s {spread(times, '.3f'):>26} ms"
        print(f"  {server.name:<8} {shown}  ({len(rates)} turns)")
        results.raw[f"{figure}.{server.name}"] = [[one.rate, one.cpu_ms] for one in server.samples]


def ratios(servers: list[Server], one: str, other: str) -> tuple[list[float], list[float]]:
    """Of each turn: how many times as fast, how many times the processor time."""
    by_name = {server.name: server.samples for server in servers}
    pairs = list(zip(by_name[one], by_name[other], strict=True))
    return [a.rate / b.rate for a, b in pairs], [a.cpu_ms / b.cpu_ms for a, b in pairs if b.cpu_ms]


def show_ratio(servers: list[Server], one: str, other: str) -> float:
    rates, times = ratios(servers, one, other)
    print(f"  {one} to {other}: throughput {spread(rates, '.2f')}, processor time {spread(times, '.2f')}")
    return statistics.median(rates)


def judge_ratio(
    servers: list[Server], one: str, other: str, most: float, what: str, results: Results
) -> None:
    rate = show_ratio(servers, one, other)
    results.judge(what, round(1 / rate, 3), most, " times as long")


def spread(values: list[float], form: str) -> str:
    return f"{statistics.median(values):{form}} [{min(values):{form}} .. {max(values):{form}}]"


# One server alone


def measure_authentication(quick: bool) -> None:
    """Prints what bench/mail_auth.py finds."""
    print("\nc: SPF, DKIM and DMARC of one message", flush=True)
    command = [sys.executable, str(CHECKOUT / "bench/mail_auth.py"), "--seconds", "2" if quick else "16"]
    subprocess.run(command, check=False)


def measure_idle(home: Path, resolver: int, extent: Extent, results: Results) -> None:
    print(f"\nd: {extent.idle} idle sessions (PSS for each)")
    for tls, most in ((False, 20.0), (True, 60.0)):
        engine = Engine(
            home / f"idle-{tls}", {"tcpsessioncount": str(extent.idle + 100)}, 1, resolver=resolver,
            certificate=_certificate(home) if tls else None,
        )  # fmt: skip
        engine.start()
        try:
            with mail_sessions.idle(engine.port, 50, tls=tls):
                before = engine.pss()
            with mail_sessions.idle(engine.port, extent.idle, tls=tls) as seconds:
                each = (engine.pss() - before) / extent.idle / 1000
        finally:
            engine.stop()
        name = "with TLS" if tls else "plain"
        print(f"  {name:<9} {each:6.1f} kB a session, opened in {seconds:.1f} s")
        results.raw[f"idle.{name}"] = each
        results.judge(f"d: idle {name}", each, most, " kB")


def _certificate(home: Path) -> bytes:
    path = home / "servercert.pem"
    if not path.exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-subj", "/CN=mx.bench.test", "-days", "2", "-keyout", str(home / "key.pem"),
             "-out", str(home / "cert.pem")],
            check=True, capture_output=True,
        )  # fmt: skip
        path.write_bytes((home / "cert.pem").read_bytes() + (home / "key.pem").read_bytes())
    return path.read_bytes()


def measure_growth(home: Path, resolver: int, extent: Extent, results: Results) -> None:
    """PSS after a fifth of the sessions, when all that is kept on purpose is there, and later."""
    engine = Engine(home / "growth", {"tcpsessioncount": "200"}, 1, resolver=resolver)
    engine.start()
    try:
        done, seen = 0, []
        for share in (0.2, 0.6, 1.0):
            todo = int(extent.growth * share) - done
            mail_sessions.talk(engine.port, todo, mail_sessions.ENVELOPE)
            done += todo
            seen.append((done, engine.pss() / 1e6))
    finally:
        engine.stop()
    shown = ", ".join(f"{megabytes:.1f} MB after {count}" for count, megabytes in seen)
    print(f"\ne: memory over {extent.growth} sessions: {shown}")
    results.raw["growth"] = seen
    # Python's arenas give or take a little; a leak of 100 bytes a session would be 8 MB here.
    results.judge("e: growth", round(seen[-1][1] - seen[0][1], 2), 3.0, " MB more")


if __name__ == "__main__":
    sys.exit(main())
