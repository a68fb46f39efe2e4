"""The panel's mail server pages against a running engine: what is saved counts, and is explained."""

from __future__ import annotations

import html
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from heliosphere.panel.mail.models import Question
from heliosphere.panel.servers.models import LogicalServer
from tests.mta.support import free_port
from tests.panel.conftest import (
    NOW,
    _nothing_is_counted_yet,
    _time_stands_still,
    house,
    open_customer,
    run_all_jobs,
)
from tests.panel.mail.conftest import node
from tests.panel.mail.nodes import MailNode
from tests.panel.test_pages import signed_in

__all__ = ["_nothing_is_counted_yet", "_time_stands_still", "house", "node"]
pytestmark = [pytest.mark.integration, pytest.mark.django_db]
BOX = "info@anna.sun.test"


@contextmanager
def engine(root: Path, log: Path) -> Iterator[int]:
    """The engine on the tree as people run it; gives its SMTP port."""
    port = free_port()
    command = [sys.executable, "-m", "heliosphere.mta.programs.serve", "--root", str(root), "--no-send"]
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [*command, "--workers", "1", "--smtp", f"127.0.0.1:{port}"], stdout=subprocess.PIPE, stderr=errors
        )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n", log.read_text()
        yield port
    finally:
        process.terminate()
        assert process.wait(15) == 0
        process.stdout.close()


def send(port: int, sender: str) -> str:
    """What the recipient's command is answered."""
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.ehlo("mx.far.test")
        client.mail(sender)
        code, text = client.rcpt(BOX)
        if code == 250:
            client.data(b"Subject: hello\r\n\r\nthere\r\n")
        return f"{code} {text.decode()}"


def until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come about in time")


def form_of(client: Client, url: str) -> dict[str, str]:
    """What a browser would send of the settings page as it stands."""
    values = {bound.html_name: bound.value() for bound in client.get(url).context["form"]}
    shown = {name: "on" if value is True else value for name, value in values.items()}
    return {name: value for name, value in shown.items() if value not in (None, False)}


def answer_of(client: Client, node: MailNode, path: str, **typed: Any) -> str:
    asked = client.post(path, typed)
    assert asked.status_code == 302
    run_all_jobs(node)
    return html.unescape(client.get(asked["Location"]).content.decode())


def test_a_sender_listed_in_the_panel_is_refused_and_the_recipient_sees_why(
    house: Any, node: MailNode, tmp_path: Path
) -> None:
    open_customer(house)
    run_all_jobs(node)
    node.tree.add_domain("anna.sun.test", "x")
    node.tree.add_user(BOX, "x")
    staff, anna = signed_in("admin"), signed_in("anna")
    server = LogicalServer.objects.get(name="mail1.sun.test")
    settings = f"/admin/mail/servers/{server.pk}/"
    answer_of(staff, node, f"{settings}read/")
    with engine(node.root, tmp_path / "engine.log") as port:
        assert send(port, "eve@junk.test").startswith("250")

        saved = staff.post(settings, form_of(staff, settings) | {"badmailfrom": "# ours\r\n@junk.test"})
        assert saved["Location"].startswith("/jobs/")
        run_all_jobs(node)
        assert until(lambda: (said := send(port, "eve@junk.test")).startswith("553") and said)
        assert send(port, "adam@fine.test").startswith("250")

        def listed() -> str:
            page = answer_of(anna, node, "/cp/mail/sessions/", server=server.pk, only_refused="on")
            return page if "eve@junk.test" in page else ""

        page = until(listed)
        assert "Refused" in page
        assert "adam@fine.test" not in page
        path = page.split(f'href="/cp/mail/sessions/{server.pk}/')[1].split('"')[0]
        why = answer_of(anna, node, f"/cp/mail/sessions/{server.pk}/{path}")
        assert "The message was refused." in why
        assert "badmailfrom, line 2: @junk.test" in why

        tried = staff.post(settings, form_of(staff, settings) | {"badmailfrom": "", "act": "try"})
        run_all_jobs(node)
        changes = html.unescape(staff.get(tried["Location"]).content.decode())
        assert "would change" in changes
        assert "eve@junk.test" in changes
        assert "adam@fine.test" not in changes

        node.write("badhelo", "good.test\n[open\n")
        Question.everything.update(asked_at=NOW - timedelta(minutes=1))
        answer_of(staff, node, f"{settings}read/")
        assert send(port, "adam@fine.test").startswith("250"), "a broken file never stops mail"
    assert "1 value on the server cannot be used" in staff.get(settings).content.decode()
    assert "1 setting of this mail server cannot be used" in staff.get("/admin/").content.decode()
