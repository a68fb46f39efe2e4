"""Jobs over the broker while programs are killed, services go away and messages come twice."""

from __future__ import annotations

import fcntl
import signal
from pathlib import Path
from typing import Any

import pytest

from heliosphere.agent.host.locks import stripe
from heliosphere.agent.programs.celery_node import MOST_STARTS
from heliosphere.contracts.jobs import JobOutcome, seal
from heliosphere.panel.programs import dispatcher
from tests.integration import work
from tests.integration.children import call
from tests.integration.clusters import Cluster, Facts, ended_by_kill
from tests.integration.services import Broker, Postgres

pytestmark = [pytest.mark.integration, pytest.mark.cluster, pytest.mark.timeout(240)]
KEY = b"only for tests"


@pytest.fixture
def cluster(postgres_server: Postgres, broker_server: Broker, tmp_path: Path) -> Cluster:
    name = f"cluster-{tmp_path.name}"
    made = Cluster(tmp_path, postgres_server.copy("empty_house", name), broker_server)
    made.prepare()
    return made


def once(found: Facts) -> None:
    """Done in one try, and said once."""
    assert (found["state"], found["attempts"], found["tries"]) == ("done", 1, ["done"]), found
    assert [line.startswith("Done:") for line in found["log"]].count(True) == 1, found


def test_a_killed_agent_gets_its_job_again_and_does_it_once(cluster: Cluster) -> None:
    with cluster.dispatcher():
        for number, point in enumerate(("fence kept", "before create", "before outcome", "outcome kept")):
            pk = cluster.put(f"n{number}.test")
            with cluster.agent(HELIOSPHERE_TEST_KILL=point) as agent:
                assert ended_by_kill(agent), point
            with cluster.agent():
                once(cluster.done(pk))
            assert cluster.tree.has_domain(f"n{number}.test")


def test_a_job_that_kills_its_agent_ends_in_the_dead_letters_and_may_be_tried_again(cluster: Cluster) -> None:
    pk = cluster.put("poison.test", max_attempts=1)
    with cluster.dispatcher():
        for _ in range(MOST_STARTS):
            with cluster.agent(HELIOSPHERE_TEST_KILL="fence kept") as agent:
                assert ended_by_kill(agent)
        with cluster.agent():
            dead = cluster.wait(pk, lambda found: found["state"] == "dead")
            assert (dead["code"], dead["tries"], dead["may_retry"]) == ("agent-killed", ["crashed"], True)
            call(cluster.database, work.retry, pk, 0.0)
            cluster.done(pk)
    assert cluster.tree.has_domain("poison.test")


def test_a_dispatcher_killed_after_sending_and_while_writing_the_outcome_loses_nothing(
    cluster: Cluster,
) -> None:
    pk = cluster.put("one.test")
    with cluster.dispatcher() as first:
        cluster.published(pk)
        first.kill()
        assert ended_by_kill(first)
    with cluster.agent():
        with cluster.dispatcher(HELIOSPHERE_TEST_KILL="finish") as second:
            assert ended_by_kill(second)
        assert cluster.facts(pk)["state"] == "running"
        with cluster.dispatcher():
            once(cluster.done(pk))
            cluster.until(lambda: cluster.broker.waiting("panel.results") == 0)
            once(cluster.facts(pk))


def test_jobs_wait_for_a_broker_that_is_away_and_outlive_its_restart(cluster: Cluster) -> None:
    with cluster.dispatcher():
        sent = cluster.put("sent.test")
        cluster.published(sent)
        cluster.broker.stop()
        try:
            waiting = cluster.put("waiting.test")
            found = cluster.wait(waiting, lambda found: found["code"] == "broker-away")
            assert (found["state"], found["attempts"], found["tries"]) == ("queued", 0, [])
        finally:
            cluster.broker.start()
        with cluster.agent():
            once(cluster.done(sent))
            once(cluster.done(waiting))


def test_a_node_may_be_away_longer_than_the_lease(cluster: Cluster) -> None:
    with cluster.dispatcher(HELIOSPHERE_TEST_LEASE="2"):
        pk = cluster.put("late.test")
        began = cluster.published(pk)["lease_until"]
        cluster.wait(pk, lambda found: (found["lease_until"] - began).total_seconds() > 6)
        assert cluster.facts(pk)["state"] == "running"
        with cluster.agent():
            once(cluster.done(pk))


def test_an_outcome_that_comes_twice_or_late_or_from_strangers_changes_nothing(cluster: Cluster) -> None:
    pk = cluster.put("one.test")
    with cluster.dispatcher():
        fence = cluster.published(pk)["fence"]
        app = dispatcher.make_app(cluster.broker.address)

        def say(outcome: JobOutcome, key: bytes = KEY) -> None:
            app.send_task(dispatcher.OUTCOME, args=[seal(outcome, key)], queue=dispatcher.RESULTS)

        say(JobOutcome(pk, fence, "refused", message="not ours"), b"another key")
        say(JobOutcome(pk, fence - 1, "refused", message="of an earlier try"))
        for _ in range(2):
            say(JobOutcome(pk, fence, "done", ("made it",)))
        say(JobOutcome(pk, fence, "crashed", message="too late"))
        once(cluster.done(pk))
        cluster.until(lambda: cluster.broker.waiting("panel.results") == 0)
        app.close()
    once(cluster.facts(pk))


def test_a_job_that_waits_for_a_node_that_is_away_is_cancelled(cluster: Cluster) -> None:
    with cluster.dispatcher(HELIOSPHERE_TEST_LEASE="4"):
        pk = cluster.put("unwanted.test")
        cluster.published(pk)
        call(cluster.database, work.cancel, pk)
        cluster.until(lambda: cluster.broker.waiting("node.local.cancel") == 1)
        with cluster.agent():
            found = cluster.wait(pk, lambda found: found["state"] == "cancelled")
        assert (found["tries"], found["may_retry"]) == (["cancelled"], True)
        assert not cluster.tree.has_domain("unwanted.test")
        call(cluster.database, work.retry, pk, 0.0)
        with cluster.agent():
            cluster.done(pk)
    assert cluster.tree.has_domain("unwanted.test")


def test_a_job_that_has_not_begun_on_its_node_is_cancelled(cluster: Cluster) -> None:
    lock = stripe(cluster.folder / "agent" / "locks", "mail:unwanted.test")
    lock.parent.mkdir(parents=True)
    with cluster.dispatcher(HELIOSPHERE_TEST_LEASE="4"), cluster.agent():
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            pk = cluster.put("unwanted.test")
            cluster.until(lambda: list((cluster.folder / "agent" / "begun").glob(f"{pk}.*")))
            call(cluster.database, work.cancel, pk)
            cluster.until((cluster.folder / "agent" / "cancel" / str(pk)).exists)
        found = cluster.wait(pk, lambda found: found["state"] == "cancelled")
    assert found["tries"] == ["cancelled"]
    assert not cluster.tree.has_domain("unwanted.test")


def test_an_outcome_is_written_when_the_database_is_back(cluster: Cluster, postgres_server: Postgres) -> None:
    pk = cluster.put("one.test")
    with cluster.dispatcher():
        cluster.published(pk)
        postgres_server.stop()
        try:
            with cluster.agent():
                cluster.until(lambda: "agent.job_ended" in cluster.log("agent_entry"))
        finally:
            postgres_server.start()
        found: dict[str, Any] = cluster.done(pk)
        assert found["attempts"] <= 2
        after = cluster.put("two.test")
        with cluster.agent():
            once(cluster.done(after))


def test_a_dispatcher_stops_cleanly_when_asked(cluster: Cluster) -> None:
    pk = cluster.put("one.test")
    with cluster.dispatcher() as process:
        cluster.published(pk)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, cluster.log("dispatcher_entry")
