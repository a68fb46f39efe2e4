"""What the children of these tests do. Time runs from the tests' NOW, ahead of it as a test says."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.integration import children as children  # loads Django in the fork server; keep first

# ruff: noqa: I001
from django.core.management import call_command
from django.db import connection

from heliosphere.agent import config as agent_config
from heliosphere.agent.drivers.registry import build_drivers
from heliosphere.agent.services.take_jobs import Executor
from heliosphere.contracts.jobs import JobEnvelope, JobOutcome
from heliosphere.contracts.mailboxes import MailDomainSpec
from heliosphere.panel.accounts.models import Account
from heliosphere.panel.catalog.models import ResourceUse
from heliosphere.panel.catalog.rules import ResourceTerms
from heliosphere.panel.mail import services as mail
from heliosphere.panel.mail.models import Mailbox, MailDomain
from heliosphere.panel.platform.jobs import queue
from heliosphere.panel.platform.jobs.models import OPEN_STATES, Job, JobAttempt
from heliosphere.panel.platform.models import Notice
from heliosphere.panel.programs import worker
from heliosphere.panel.servers import services as servers
from heliosphere.panel.servers.models import ServerKind
from tests.panel.conftest import NOW, SYSTEM, House, make_plan, make_provider, make_staff, open_customer

DOMAIN = "anna.sun.test"
TERMS = (
    ResourceTerms("account", setup_minor=500, recurrent_minor=1000, is_switch=True),
    ResourceTerms("mail_domain", free_units=1),
    ResourceTerms("mailbox", free_units=2, max_units=4, activated=False),
)


def make_tables() -> None:
    call_command("migrate", verbosity=0)


def make_house() -> House:
    """A provider who sells mail only: no node job here needs a service that must be running."""
    provider = make_provider()
    box = servers.add_physical(name="one", node="local", ip="127.0.0.1", actor=SYSTEM, now=NOW)
    servers.add_logical(
        name="mail1.sun.test", kind=ServerKind.MAIL, physical=box, signup_on=True, actor=SYSTEM, now=NOW
    )
    return House(provider, make_staff(provider, "admin"), make_plan(provider, resources=TERMS))


def prepare_customer() -> None:
    """Jobs for a mail domain, two mailboxes, the removal of one of them, and notices."""
    make_tables()
    house = make_house()
    open_customer(house, domain=DOMAIN)
    domain = MailDomain.everything.get()
    for local in ("one", "two"):
        mail.open_mailbox(
            domain, local=local, password="long enough words", quota_mb=10, actor=SYSTEM, now=NOW
        )
    mail.remove_mailbox(Mailbox.everything.get(local="two"), actor=SYSTEM, now=NOW)


@dataclass
class Reaper:
    """Counts the points a process passes and kills it at number `at`."""

    at: int
    passed: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> None:
        if len(self.passed) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed.append(name)


def _watched(reaper: Reaper) -> None:
    """Put points around and inside the panel's own moves of a job."""

    def around(name: str) -> None:
        move: Callable[..., Any] = getattr(queue, name)

        def watched(*words: Any, **named: Any) -> Any:
            if name != "claim":
                reaper(f"before {name}")
            answer = move(*words, **named)
            if name != "claim" or answer is not None:
                reaper(f"after {name}")
            return answer

        setattr(queue, name, watched)

    for name in ("claim", "finish", "_log_end", "_tell_kind"):
        around(name)


def run_worker(agent_file: str, kill_at: int, ahead: float) -> list[str]:
    """The embedded worker until no job is open. Returns the points it passed."""
    config = agent_config.load(Path(agent_file))
    reaper = Reaper(kill_at)
    _watched(reaper)
    executor = Executor(
        build_drivers(config), node=config.node, state_dir=config.state_dir, checkpoint=reaper
    )
    executor.recover()
    run_until_quiet(executor, ahead)
    return reaper.passed


def run_until_quiet(executor: Any, ahead: float = 0) -> None:
    """A worker whose clock is `ahead` seconds ahead and runs five times as fast, so that pauses are short."""
    began = time.monotonic()

    def clock() -> datetime:
        return NOW + timedelta(seconds=ahead + 5 * (time.monotonic() - began))

    stop = threading.Event()
    loop = worker.Worker(executor=executor, nodes=None, threads=1, stop=stop, clock=clock)

    def watch() -> None:
        while Job.everything.filter(state__in=OPEN_STATES).exists() and time.monotonic() < began + 30:
            time.sleep(0.05)
        stop.set()
        connection.close()

    threading.Thread(target=watch).start()
    assert loop.run()


def run_impatiently(executor: Any, ahead: float, log_file: str) -> None:
    """A worker that waits a tenth of a second for a locked database, and writes its log to a file."""
    connection.settings_dict["OPTIONS"]["timeout"] = 0.1
    logging.getLogger("heliosphere.worker").addHandler(logging.FileHandler(log_file))
    worker.TROUBLE_SECONDS = 0.1
    run_until_quiet(executor, ahead)


def what_became() -> dict[str, Any]:
    """All that a person could check afterwards."""
    jobs = []
    for job in Job.everything.order_by("pk"):
        tries = list(job.tries.order_by("pk").values_list("status", flat=True))
        ends = job.log.filter(text__startswith="Done:").count()
        jobs.append((job.kind, job.state, job.attempts, tries, ends))
    account = Account.everything.filter(kind="user").get()
    return {
        "jobs": jobs,
        "mailboxes": list(Mailbox.everything.order_by("local").values_list("local", "reality")),
        "domains": list(MailDomain.everything.values_list("name", "reality")),
        "units": dict(ResourceUse.everything.filter(account=account).values_list("type", "units")),
        "unsent": Notice.everything.filter(sent_at=None).count(),
    }


class Deadly:
    """An executor that takes its process with it."""

    def run(self, *_: Any) -> JobOutcome:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class Willing:
    def run(self, envelope: JobEnvelope, *_: Any) -> JobOutcome:
        return JobOutcome(envelope.job_id, envelope.fence, "done")


class Patient:
    """Works until the file is there; makes `folder`/began when it has begun."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def run(self, envelope: JobEnvelope, *_: Any) -> JobOutcome:
        (self._folder / "began").touch()
        while not (self._folder / "go on").exists():
            time.sleep(0.02)
        return JobOutcome(envelope.job_id, envelope.fence, "done")


def worker_program(folder: str, stop_seconds: float) -> int:
    """The worker's own main, which SIGTERM ends."""
    worker.STOP_SECONDS = stop_seconds
    return worker.main([], executor=Patient(folder))


def queue_one(name: str = "poison.test", max_attempts: int = 10) -> int:
    """Due on any clock: these tests use NOW, the programs the machine's."""
    job = put(name)
    Job.everything.filter(pk=job.pk).update(
        max_attempts=max_attempts, run_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    return job.pk


def put(name: str, key: str = "") -> Job:
    spec = MailDomainSpec(name, "$6$x")
    return queue.queue_job(
        "mail_domain.apply", spec, title=name, node="local", object_key=key or f"mail:{name}",
        actor=SYSTEM, now=NOW,
    )  # fmt: skip


def job_facts(pk: int) -> dict[str, Any]:
    job = Job.everything.get(pk=pk)
    return {
        "state": job.state,
        "attempts": job.attempts,
        "tries": list(JobAttempt.objects.filter(job=job).order_by("pk").values_list("status", flat=True)),
        "may_retry": job.may_retry,
        "code": job.code,
        "message": job.message,
        "log": list(job.log.order_by("pk").values_list("text", flat=True)),
        "fence": job.fence,
        "lease_until": job.lease_until,
    }


def recover(ahead: float) -> int:
    return queue.recover_lost(NOW + timedelta(seconds=ahead))


def retry(pk: int, ahead: float) -> None:
    queue.retry(Job.everything.get(pk=pk), actor=SYSTEM, now=NOW + timedelta(seconds=ahead))


def cancel(pk: int) -> None:
    queue.cancel(Job.everything.get(pk=pk), actor=SYSTEM, now=NOW)
