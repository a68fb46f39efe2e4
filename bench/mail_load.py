"""smtp-source as the client, and a name server for what the checks ask."""

from __future__ import annotations

import multiprocessing
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.mail_engine import DOMAIN, free_port
from bench.mail_peers import smtp_source

SENDER_DOMAIN = "far.test"
CLIENT = "mail.far.test"
ZONE = """
$ORIGIN far.test.
@ 3600 IN SOA ns hostmaster 1 3600 600 86400 60
@ 3600 IN MX 10 mail
@ 3600 IN TXT "v=spf1 mx include:_spf.bulk.test ip4:127.0.0.1 ~all"
mail 3600 IN A 127.0.0.1
_dmarc 3600 IN TXT "v=DMARC1; p=reject"
$ORIGIN bulk.test.
_spf 3600 IN TXT "v=spf1 ip4:198.51.100.0/24 ip4:203.0.113.0/24 ~all"
$ORIGIN 127.in-addr.arpa.
1.0.0 3600 IN PTR mail.far.test.
"""


@dataclass(frozen=True, slots=True)
class Load:
    """Two smtp-source processes with ten sessions each; every round puts one copy into each mailbox."""

    rounds: int
    boxes: int
    size: int = 4096
    recipients: int = 1
    is_kept_open: bool = True

    @property
    def messages(self) -> int:
        return 2 * self.rounds * (self.boxes // self.recipients)


def send(load: Load, port: int) -> float:
    """Seconds it took until every message was answered."""
    command, environment = smtp_source()
    command += [
        "-4", "-N", "-s", "10", "-m", str(load.boxes // load.recipients), "-r", str(load.recipients),
        "-l", str(load.size), "-f", f"carl@{SENDER_DOMAIN}", "-t", f"u@{DOMAIN}", "-M", CLIENT,
        *(["-d"] if load.is_kept_open else []), f"inet:127.0.0.1:{port}",
    ]  # fmt: skip

    def client(_: int) -> None:
        for _ in range(load.rounds):
            subprocess.run(command, env=environment, check=True, timeout=300)

    begun = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(client, range(2)))
    return time.perf_counter() - begun


class NameServer:
    """Answers from ZONE, in a process of its own."""

    def __enter__(self) -> int:
        self._port = free_port()
        ready = multiprocessing.Event()
        self._process = multiprocessing.Process(target=_serve, args=(self._port, ready), daemon=True)
        self._process.start()
        ready.wait(10)
        return self._port

    def __exit__(self, *trouble: object) -> None:
        self._process.terminate()
        self._process.join(5)


def _serve(port: int, ready: object) -> None:
    from dnslib.server import DNSLogger, DNSServer
    from dnslib.zoneresolver import ZoneResolver

    silent = DNSLogger(log="-request,-reply,-truncated,-error,-recv,-send,-data")
    DNSServer(ZoneResolver(ZONE), port=port, address="127.0.0.1", logger=silent).start_thread()
    ready.set()  # type: ignore[attr-defined]
    while True:
        time.sleep(3600)
