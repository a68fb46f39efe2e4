"""A question to a mail server over the broker: it goes to its node, and its answer comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from heliosphere.contracts.codec import decode
from heliosphere.contracts.mail_server import ControlsFound
from tests.integration import questions
from tests.integration.children import call
from tests.integration.clusters import Cluster
from tests.integration.services import Broker, Postgres

pytestmark = [pytest.mark.integration, pytest.mark.cluster, pytest.mark.timeout(240)]


def test_settings_are_read_and_changed_over_the_broker(
    postgres_server: Postgres, broker_server: Broker, tmp_path: Path
) -> None:
    name = f"questions-{tmp_path.name}"
    cluster = Cluster(tmp_path, postgres_server.copy("empty_house", name), broker_server)
    cluster.prepare()
    asked = call(cluster.database, questions.ask_for_controls)

    def facts() -> dict[str, object]:
        return call(cluster.database, questions.question_facts, asked)  # type: ignore[no-any-return]

    with cluster.dispatcher(), cluster.agent():
        cluster.until(lambda: facts()["state"] != "waiting")
        answered = facts()
        assert (answered["state"], answered["tries"], answered["log"]) == ("answered", 1, ["Answered"])
        found = decode(str(answered["answer"]))
        assert isinstance(found, ControlsFound)
        assert "badmailfrom" in {one.name for one in found.controls}
        assert answered["kept"] == answered["answer"]
        cluster.done(call(cluster.database, questions.set_controls, asked))
    assert (tmp_path / "mail" / "qmail" / "control" / "maxrecipients").read_text() == "33\n"
    kept = decode(str(facts()["kept"]))
    assert next(one.text for one in kept.controls if one.name == "maxrecipients") == "33"
