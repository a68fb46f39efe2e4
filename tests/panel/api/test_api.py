"""The REST API as a program uses it: tokens, scopes, tenants, idempotency, problems."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from heliosphere.panel.accounts import services as accounts
from heliosphere.panel.accounts.models import Account, User
from heliosphere.panel.billing.models import Invoice
from heliosphere.panel.catalog.models import Plan
from heliosphere.panel.mail.models import Mailbox
from heliosphere.panel.platform.jobs.models import Job
from tests.panel.conftest import CONTACT, NOW, PASSWORD, SYSTEM, House, open_customer, run_all_jobs

PLAN = {
    "name": "Api plan",
    "resources": [{"type": "account", "recurrent_minor": 700}, {"type": "web_site", "free_units": 1}],
    "periods": [{"unit": "month", "size": 1}],
}


class Caller:
    """A program with a token."""

    def __init__(self, login: str, scopes: list[str] | None = None) -> None:
        user = User.objects.get(login=login)
        token = accounts.issue_api_token(
            user=user, name="test", scopes=scopes or [], days=None, actor=SYSTEM, now=NOW
        )
        self._client = Client(headers={"authorization": f"Bearer {token}"})

    def __call__(self, verb: str, path: str, body: Any = None, **headers: str) -> Any:
        extra = {"content_type": "application/json"} if body is not None else {}
        return self._client.generic(
            verb.upper(), f"/api/v1{path}", _json(body), headers=headers or None, **extra
        )


def _json(body: Any) -> str:
    import json

    return "" if body is None else json.dumps(body)


@pytest.fixture
def admin(house: House) -> Caller:
    return Caller("admin")


def test_without_a_token_there_is_a_problem_document(house: House):
    answer = Client().get("/api/v1/plans")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert answer.json()["code"] == "token"


def test_a_plan_is_made_opened_changed_and_deleted(house: House, admin: Caller):
    made = admin("post", "/plans", PLAN)
    assert made.status_code == 201, made.content
    key = made.json()["id"]
    assert admin("put", f"/plans/{key}/signup", {"on": True}).json()["signup_on"] is True
    changed = admin("put", f"/plans/{key}", PLAN | {"name": "Better"}).json()
    assert (changed["name"], changed["resources"][0]["recurrent_minor"]) == ("Better", 700)
    assert admin("delete", f"/plans/{key}").status_code == 204
    assert admin("get", f"/plans/{key}").status_code == 404


def test_refusals_name_code_and_field(house: House, admin: Caller):
    admin("post", "/plans", PLAN)
    again = admin("post", "/plans", PLAN)
    assert (again.status_code, again.json()["code"], again.json()["field"]) == (
        422,
        "plan-name-taken",
        "name",
    )
    negative = admin("post", "/plans", PLAN | {"credit_limit_minor": -1})
    assert (negative.status_code, negative.json()["field"]) == (422, "credit_limit_minor")


def test_the_same_key_writes_once_and_answers_the_same(house: House, admin: Caller):
    first = admin("post", "/plans", PLAN, **{"idempotency-key": "k1"})
    second = admin("post", "/plans", PLAN, **{"idempotency-key": "k1"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert Plan.everything.filter(name="Api plan").count() == 1
    other = admin("post", "/plans", PLAN | {"name": "Other"}, **{"idempotency-key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key")


def test_a_refused_write_may_be_mended_under_the_same_key(house: House, admin: Caller):
    bad = admin("post", "/plans", PLAN | {"periods": []}, **{"idempotency-key": "k2"})
    assert bad.status_code == 422
    good = admin("post", "/plans", PLAN, **{"idempotency-key": "k2"})
    assert good.status_code == 201


def test_a_signup_by_api_is_approved_paid_and_live(house: House, admin: Caller):
    period = house.plan.periods.all()[0]
    body = {
        "plan_id": house.plan.pk, "period_id": period.pk, "domain_kind": "third_level", "domain": "cleo",
        "contact": CONTACT, "login": "cleo", "password": PASSWORD,
    }  # fmt: skip
    made = admin("post", "/signups", body)
    assert (made.status_code, made.json()["state"], made.json()["total_minor"]) == (201, "moderated", 1500)
    done = admin("post", f"/signups/{made.json()['id']}/approve", {"check_number": "9"}).json()
    assert done["state"] == "done"
    account = admin("get", f"/accounts/{done['account_id']}").json()
    assert (account["login"], account["balance_minor"]) == ("cleo", 0)
    run_all_jobs()
    jobs = admin("get", "/jobs?state=done").json()
    assert jobs["count"] >= 3


def test_a_customers_token_sees_and_does_only_its_own(house: House):
    open_customer(house)
    open_customer(house, login="carl", domain="carl.sun.test")
    run_all_jobs()
    anna = Caller("anna")
    assert [row["login"] for row in anna("get", "/accounts").json()["items"]] == ["anna"]
    assert anna("get", "/plans").status_code == 403
    other = Account.everything.get(user__login="carl")
    assert anna("get", f"/accounts/{other.pk}").status_code == 404
    assert anna("post", f"/accounts/{other.pk}/suspend", {"reason": "x"}).status_code == 403
    domains = anna("get", "/mail-domains").json()["items"]
    assert [row["name"] for row in domains] == ["anna.sun.test"]
    body = {"mail_domain_id": domains[0]["id"], "local": "hi", "password": PASSWORD, "quota_mb": 5}
    made = anna("post", "/mailboxes", body)
    assert made.status_code == 201
    taken = anna("post", "/mailboxes", body | {"mail_domain_id": other.mail_domains.get().pk})
    assert taken.status_code == 404
    run_all_jobs()
    key = made.json()["id"]
    assert anna("put", f"/mailboxes/{key}", {"quota_mb": 9}).json()["quota_mb"] == 9
    assert anna("delete", f"/mailboxes/{key}").status_code == 202
    run_all_jobs()
    assert not Mailbox.everything.exists()
    assert anna("get", f"/invoices/{Invoice.everything.get(account=other).pk}").status_code == 404


def test_scopes_narrow_a_token_and_are_handed_on_at_most_as_they_are(house: House):
    reader = Caller("admin", ["read", "tokens"])
    assert reader("get", "/plans").status_code == 200
    refused = reader("post", "/plans", PLAN)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope")
    wider = reader("post", "/tokens", {"name": "wider", "scopes": ["plans"]})
    assert (wider.status_code, wider.json()["code"]) == (422, "scope-wider")
    assert reader("post", "/tokens", {"name": "same"}).status_code == 201


def test_a_revoked_token_is_no_token(house: House, admin: Caller):
    key = admin("get", "/tokens").json()[0]["id"]
    assert admin("delete", f"/tokens/{key}").status_code == 204
    assert admin("get", "/plans").status_code == 401


def test_jobs_are_retried_and_cancelled_by_api(house: House, admin: Caller):
    open_customer(house)
    job = Job.everything.first()
    assert admin("post", f"/jobs/{job.pk}/cancel").json()["state"] == "cancelled"
    assert admin("post", f"/jobs/{job.pk}/retry").json()["state"] == "queued"
    assert admin("get", f"/jobs/{job.pk}/log").json()[0]["text"].startswith("Cancelled by")


def test_zones_servers_and_the_audit_trail_can_be_read(house: House, admin: Caller):
    account = open_customer(house)
    run_all_jobs()
    domain = account.domains.get()
    zone = admin("get", f"/domains/{domain.pk}/zone").json()
    assert {"name": "anna.sun.test.", "type": "MX", "ttl": 3600, "values": ["10 mail1.sun.test."]} in zone[
        "records"
    ]
    assert [row["ip"] for row in admin("get", "/servers/physical").json()["items"]] == ["127.0.0.1"]
    admin("post", f"/accounts/{account.pk}/suspend", {"reason": "unpaid"})
    event = admin("get", "/events?q=suspended").json()["items"][0]
    assert (event["text"], event["after"]["reason"]) == ("Account suspended: unpaid", "unpaid")
    anna = Caller("anna")
    assert anna("get", f"/domains/{domain.pk}/zone").status_code == 200
    assert anna("get", "/servers/physical").status_code == 403
    assert {row["subject_kind"] for row in anna("get", "/events").json()["items"]} >= {"accounts.account"}


def test_lists_are_paged_and_searched(house: House, admin: Caller):
    for number in range(3):
        admin("post", "/plans", PLAN | {"name": f"Plan {number}"})
    page = admin("get", "/plans?q=plan&limit=2&offset=1").json()
    assert (page["count"], len(page["items"])) == (3, 2)
    assert admin("get", "/plans?limit=0").status_code == 422
