"""Mail domains and mailboxes in a real vpopmail tree."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from heliosphere.agent import config as agent_config
from heliosphere.agent.config import AgentConfig
from heliosphere.agent.services.report_state import mailbox_usage
from heliosphere.contracts.jobs import JobEnvelope
from heliosphere.contracts.mailboxes import MailboxSpec, MailDomainSpec
from heliosphere.mta.store import SUSPENDED, VpopmailTree
from tests.agent.jobs import envelope, run_once

DOMAIN = MailDomainSpec("one.test", "$6$post$hash", aliases=("uno.test",))
BOX = MailboxSpec("anna@one.test", "$6$anna$hash", 10 * 1024 * 1024, "Anna")


def node(place: Path) -> AgentConfig:
    place.mkdir(exist_ok=True)
    file = place / "agent.json"
    mail = {"root": str(place / "mail"), "hostname": "mail.heliosphere.test"}
    file.write_text(
        json.dumps({"node": "local", "key_file": "none", "state_dir": str(place / "agent"), "mail": mail})
    )
    return agent_config.load(file)


def tree(place: Path) -> VpopmailTree:
    return VpopmailTree(place / "mail")


def apply(place: Path, spec: Any, job: int = 1) -> tuple[str, ...]:
    kind = "mail_domain" if isinstance(spec, MailDomainSpec) else "mailbox"
    outcome = run_once(node(place), envelope(f"{kind}.apply", spec, job=job, fence=job))
    assert outcome.status == "done", outcome
    return outcome.changes


def test_a_mail_domain_comes_with_its_postmaster_and_aliases(tmp_path: Path) -> None:
    apply(tmp_path, DOMAIN)

    assert tree(tmp_path).has_domain("one.test")
    assert tree(tmp_path).find_user("postmaster@uno.test").password_hash == "$6$post$hash"  # type: ignore[union-attr]


def test_applying_a_domain_twice_changes_once(tmp_path: Path) -> None:
    assert apply(tmp_path, DOMAIN) != ()
    assert apply(tmp_path, DOMAIN, job=2) == ()


def test_suspending_keeps_a_postmaster_password_changed_since(tmp_path: Path) -> None:
    apply(tmp_path, DOMAIN)
    apply(tmp_path, MailboxSpec("postmaster@one.test", "$6$new$hash", 0), job=2)

    apply(tmp_path, replace(DOMAIN, suspended=True), job=3)

    found = tree(tmp_path).find_user("postmaster@one.test")
    assert found is not None
    assert found.password_hash == "$6$new$hash"
    assert found.flags & SUSPENDED == SUSPENDED


def test_a_resumed_domain_has_what_it_had(tmp_path: Path) -> None:
    apply(tmp_path, DOMAIN)
    apply(tmp_path, BOX, job=2)
    before = tree(tmp_path).find_user(BOX.address)

    apply(tmp_path, replace(DOMAIN, suspended=True), job=3)
    apply(tmp_path, DOMAIN, job=4)

    assert tree(tmp_path).find_user(BOX.address) == before


def test_a_mailbox_made_while_suspended_starts_closed_and_opens_with_the_rest(tmp_path: Path) -> None:
    apply(tmp_path, replace(DOMAIN, suspended=True))
    apply(tmp_path, replace(BOX, suspended=True), job=2)
    closed = tree(tmp_path).find_user(BOX.address)
    apply(tmp_path, DOMAIN, job=3)
    opened = tree(tmp_path).find_user(BOX.address)

    assert closed is not None
    assert opened is not None
    assert (closed.flags, opened.flags) == (SUSPENDED, 0)


def test_a_mailbox_is_changed_only_where_it_differs(tmp_path: Path) -> None:
    apply(tmp_path, DOMAIN)
    apply(tmp_path, BOX, job=2)

    changes = apply(tmp_path, replace(BOX, quota_bytes=5 * 1024 * 1024, enabled=False), job=3)

    assert changes == ("set the quota of anna@one.test to 5 MB", "close the mailbox anna@one.test")
    assert apply(tmp_path, replace(BOX, quota_bytes=5 * 1024 * 1024, enabled=False), job=4) == ()


def test_a_mailbox_without_its_domain_is_refused_with_advice(tmp_path: Path) -> None:
    outcome = run_once(node(tmp_path), envelope("mailbox.apply", BOX))

    assert (outcome.status, outcome.code) == ("refused", "no_domain")
    assert "Make the mail domain first" in outcome.advice


def test_the_postmaster_cannot_be_removed(tmp_path: Path) -> None:
    apply(tmp_path, DOMAIN)
    postmaster = MailboxSpec("postmaster@one.test", "x", 0)

    outcome = run_once(node(tmp_path), envelope("mailbox.remove", postmaster, job=2, fence=2))

    assert (outcome.status, outcome.code) == ("refused", "postmaster")


def test_removing_what_is_gone_is_success(tmp_path: Path) -> None:
    apply(tmp_path, DOMAIN)
    apply(tmp_path, BOX, job=2)
    ended = [
        run_once(node(tmp_path), envelope(kind, spec, job=job, fence=job))
        for job, (kind, spec) in enumerate(
            [("mailbox.remove", BOX)] * 2 + [("mail_domain.remove", DOMAIN)] * 2 + [("mailbox.remove", BOX)],
            start=3,
        )
    ]

    assert [outcome.status for outcome in ended] == ["done"] * 5
    assert [bool(outcome.changes) for outcome in ended] == [True, False, True, False, False]
    assert tree(tmp_path).domains() == []


def test_usage_counts_every_mailbox(tmp_path: Path) -> None:
    apply(tmp_path, DOMAIN)
    apply(tmp_path, BOX, job=2)
    (tmp_path / "mail/vpopmail/domains/one.test/anna/Maildir/new/1.a.b").write_bytes(b"x" * 100)

    used = {usage.address: usage for usage in mailbox_usage(node(tmp_path))}

    assert set(used) == {"anna@one.test", "postmaster@one.test"}
    assert used["postmaster@one.test"].messages == 0


def test_killed_before_any_file_operation_the_next_try_makes_the_domain_whole(tmp_path: Path) -> None:
    wanted = replace(DOMAIN, suspended=True)
    for at in itertools.count():
        place = tmp_path / str(at)
        died = die_in(node(place), envelope("mail_domain.apply", wanted), at)
        apply(place, wanted)
        found = tree(place)
        postmaster = found.find_user("postmaster@uno.test")
        assert postmaster is not None, at
        assert postmaster.flags & SUSPENDED == SUSPENDED, at
        assert found.qmail.accepts("one.test"), at
        assert found.qmail.accepts("uno.test"), at
        assert (postmaster.maildir / "new").is_dir(), at
        if not died:
            break
    assert at > 20, "the kills did not reach the work"


def test_killed_before_any_file_operation_the_next_try_makes_the_mailbox_whole(tmp_path: Path) -> None:
    for at in itertools.count():
        place = tmp_path / str(at)
        apply(place, DOMAIN)
        died = die_in(node(place), envelope("mailbox.apply", BOX, job=2, key="box"), at)
        outcome = run_once(node(place), envelope("mailbox.apply", BOX, job=2, key="box", fence=2))
        assert outcome.status == "done", at
        user = tree(place).find_user(BOX.address)
        assert user is not None, at
        assert (user.quota.bytes, user.comment) == (BOX.quota_bytes, "Anna"), at
        assert (user.maildir / "new").is_dir(), at
        if not died:
            break
    assert at > 5, "the kills did not reach the work"


def test_killed_while_removing_the_next_try_leaves_nothing_of_the_mailbox(tmp_path: Path) -> None:
    for at in itertools.count():
        place = tmp_path / str(at)
        apply(place, DOMAIN)
        run_once(node(place), envelope("mailbox.apply", BOX, job=2, key="box"))
        maildir = tree(place).find_user(BOX.address).maildir  # type: ignore[union-attr]
        (maildir / "new" / "1.letter").write_text("hello")
        died = die_in(node(place), envelope("mailbox.remove", BOX, job=3, key="box", fence=2), at)
        outcome = run_once(node(place), envelope("mailbox.remove", BOX, job=3, key="box", fence=3))
        assert outcome.status == "done", at
        assert tree(place).find_user(BOX.address) is None, at
        assert not maildir.exists(), at
        assert tree(place).find_user("postmaster@one.test") is not None, at
        if not died:
            break
    assert at > 5, "the kills did not reach the work"


def test_killed_while_removing_the_next_try_leaves_nothing_of_the_domain(tmp_path: Path) -> None:
    for at in itertools.count():
        place = tmp_path / str(at)
        apply(place, DOMAIN)
        died = die_in(node(place), envelope("mail_domain.remove", DOMAIN, job=3, fence=2), at)
        outcome = run_once(node(place), envelope("mail_domain.remove", DOMAIN, job=3, fence=3))
        found = tree(place)
        assert outcome.status == "done", at
        assert found.domains() == [], at
        assert not found.qmail.accepts("one.test"), at
        assert not found.qmail.accepts("uno.test"), at
        if not died:
            break
    assert at > 5, "the kills did not reach the work"


def die_in(config: AgentConfig, job: JobEnvelope, at: int) -> bool:
    """A child runs the job and is killed before its file operation number `at`; False when it got through."""
    child = os.fork()
    if child == 0:
        try:
            sys.addaudithook(_Killer(at))
            run_once(config, job)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


class _Killer:
    EVENTS = frozenset({"os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.rmdir"})

    def __init__(self, at: int) -> None:
        self._left = at

    def __call__(self, event: str, _: Any) -> None:
        if event not in self.EVENTS:
            return
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1
