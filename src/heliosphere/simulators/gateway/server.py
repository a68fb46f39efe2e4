"""The gateway over HTTP: an API for the panel, pages for payers, and a switch to misbehave.

POST /_behave {"mode": "down" | "slow" | "garbled" | "lost" | "ok", "count": N} makes the next N API
calls go wrong: no service, a long wait, rubbish, or done but the answer lost.
"""

from __future__ import annotations

import argparse
import hmac
import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from heliosphere.simulators.gateway import pages
from heliosphere.simulators.gateway.rules import judge_card
from heliosphere.simulators.gateway.store import Store

LARGEST_BODY = 65_536
SLOW_SECONDS = 15.0


class Gateway:
    """What the handler needs: the store, the key, and how to misbehave."""

    def __init__(self, store: Store, key: str, address: str) -> None:
        self.store, self.key, self.address = store, key, address
        self._lock = threading.Lock()
        self._mode, self._left = "ok", 0
        self.stopping = threading.Event()

    def behave(self, mode: str, count: int) -> None:
        with self._lock:
            self._mode, self._left = mode, count

    def next_mode(self) -> str:
        """How to treat this call."""
        with self._lock:
            if self._left <= 0:
                return "ok"
            self._left -= 1
            return self._mode


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gateway: Gateway

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/style.css":
            self._send(200, pages.STYLE, "text/css")
        elif path == "/alive":
            self._json(200, {"alive": True})
        elif path.startswith("/pay/"):
            self._show_form(path.removeprefix("/pay/"))
        elif path.startswith("/v1/"):
            self._api("GET", path, {})
        else:
            self._send(404, pages.plain("Not found", "There is nothing at this address."))

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self._json(413, {"message": "the body is too large"})
            return
        raw = self.rfile.read(length)
        if path.startswith("/pay/"):
            self._take_card(path.removeprefix("/pay/"), parse_qs(raw.decode(errors="replace")))
            return
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            self._json(400, {"message": "the body is not JSON"})
            return
        if path == "/_behave":
            self.gateway.behave(str(body.get("mode", "ok")), int(body.get("count", 1)))
            self._json(200, {"mode": body.get("mode")})
        else:
            self._api("POST", path, body)

    def _api(self, verb: str, path: str, body: dict[str, Any]) -> None:
        sent = self.headers.get("Authorization", "")
        if not hmac.compare_digest(sent.encode(), f"Bearer {self.gateway.key}".encode()):
            self._json(401, {"message": "the key is wrong"})
            return
        mode = self.gateway.next_mode()
        if mode == "down":
            self._json(503, {"message": "out of service"})
            return
        if mode == "slow":
            self.gateway.stopping.wait(SLOW_SECONDS)
        status, answer = self._answer(verb, path, body)
        if mode == "lost":
            self.close_connection = True
        elif mode == "garbled":
            self._send(200, "<<<", "text/plain")
        else:
            self._json(status, answer)

    def _answer(self, verb: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        key = self.headers.get("Idempotency-Key", "")
        known = self.gateway.store.known_answer(key) if key else None
        if known:
            return known
        status, answer = self._do(verb, path, body)
        if key and status < 400:
            self.gateway.store.keep_answer(key, status, answer)
        return status, answer

    def _do(self, verb: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        store, parts = self.gateway.store, path.strip("/").split("/")
        if (verb, parts) == ("POST", ["v1", "sessions"]):
            return self._new_session(body)
        if verb == "GET" and parts[:2] == ["v1", "sessions"] and len(parts) == 3:
            session = store.session(parts[2])
            return (200, session) if session else (404, {"message": "there is no such session"})
        if (verb, parts) == ("GET", ["v1", "payments"]):
            return 200, {"payments": store.payments()}
        if verb == "POST" and parts[:2] == ["v1", "payments"] and len(parts) == 4:
            wanted = {"capture": "captured", "void": "voided"}.get(parts[3])
            if wanted:
                return store.move_payment(parts[2], wanted)
        return 404, {"message": "there is no such call"}

    def _new_session(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        amount = body.get("amount_minor")
        if not isinstance(amount, int) or amount <= 0:
            return 422, {"message": "amount_minor must be a whole number above zero"}
        names = ("amount_minor", "currency", "description", "return_url")
        session = self.gateway.store.new_session({name: body.get(name, "") for name in names})
        return 201, session | {"url": f"{self.gateway.address}/pay/{session['id']}"}

    def _show_form(self, session_id: str) -> None:
        session = self.gateway.store.session(session_id)
        if session is None:
            self._send(404, pages.plain("Not found", "This payment page is not known."))
        elif session["status"] != "open":
            self._redirect(session["return_url"])
        else:
            self._send(200, pages.card_form(session))

    def _take_card(self, session_id: str, form: dict[str, list[str]]) -> None:
        session = self.gateway.store.session(session_id)
        if session is None:
            self._send(404, pages.plain("Not found", "This payment page is not known."))
            return
        if form.get("act") == ["cancel"]:
            changes: dict[str, Any] = {"status": "declined", "message": "cancelled by the payer"}
        else:
            verdict = judge_card(form.get("number", [""])[0])
            if verdict is None:
                self._send(200, pages.card_form(session, "This is not one of the test cards below."))
                return
            status = "authorised" if verdict.approved else "declined"
            changes = {
                "status": status,
                "brand": verdict.brand,
                "last4": verdict.last4,
                "message": verdict.message,
            }
        self.gateway.store.close_session(session_id, changes)
        self._redirect(session["return_url"])

    def _redirect(self, url: str) -> None:
        self.send_response(303)
        self.send_header("Location", url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, json.dumps(body), "application/json")

    def _send(self, status: int, text: str, kind: str = "text/html") -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Card numbers are in bodies only, and bodies are never logged; neither are addresses here."""


def serve(host: str, port: int, store: Store, key: str, public: str = "") -> ThreadingHTTPServer:
    """A server ready to run; port 0 takes a free one."""
    server = ThreadingHTTPServer((host, port), type("BoundHandler", (Handler,), {}))
    server.daemon_threads = True
    address = public or f"http://{host}:{server.server_address[1]}"
    server.RequestHandlerClass.gateway = Gateway(store, key, address)  # type: ignore[attr-defined]
    return server


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="heliosphere simulate gateway", description="A card gateway for tests."
    )
    parser.add_argument("--listen", default="127.0.0.1:18443", metavar="HOST:PORT")
    parser.add_argument(
        "--key-file", required=True, type=Path, help="file with the key the panel signs in with"
    )
    parser.add_argument("--data", default=":memory:", help="SQLite file that keeps sessions over a restart")
    chosen = parser.parse_args(argv)
    host, _, port = chosen.listen.rpartition(":")
    server = serve(host, int(port), Store(chosen.data), chosen.key_file.read_text().strip())
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    server.serve_forever(poll_interval=0.2)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
