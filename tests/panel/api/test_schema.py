"""Every call, fuzzed from its own description: no answer outside of what the schema says, no server error."""

from __future__ import annotations

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks

from heliosphere.panel.accounts import services as accounts
from heliosphere.panel.accounts.models import User
from heliosphere.panel.wsgi import application
from tests.panel.conftest import NOW, SYSTEM, House, open_customer, run_all_jobs

load_all_checks()


@pytest.fixture
def token(house: House) -> str:
    open_customer(house)
    run_all_jobs()
    user = User.objects.get(login="admin")
    return accounts.issue_api_token(user=user, name="fuzz", scopes=[], days=None, actor=SYSTEM, now=NOW)


# A run that revokes its own token would prove nothing after that.
schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application).exclude(
    path="/api/v1/tokens/{key}"
)


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
@schema.parametrize()
@settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
def test_no_call_leaves_its_description(case, token: str):
    # Business rules (a login that is taken) rightly refuse input that the description allows.
    case.call_and_validate(
        headers={"Authorization": f"Bearer {token}"},
        excluded_checks=[CHECKS.get_one("positive_data_acceptance")],
    )


def test_the_description_is_public_and_names_every_write_with_its_problems(house: House):
    document = Client().get("/api/v1/openapi.json").json()
    for path, calls in document["paths"].items():
        for verb, call in calls.items():
            assert {"401", "403", "404", "422"} <= set(call["responses"]), (verb, path)
