"""Rows as the API shows them."""

from __future__ import annotations

from typing import Any

from heliosphere.panel.accounts.models import Account
from heliosphere.panel.billing.models import Invoice
from heliosphere.panel.catalog.models import Plan
from heliosphere.panel.dns.models import Zone
from heliosphere.panel.dns.queries import zone_spec
from heliosphere.panel.platform.event_texts import text_of
from heliosphere.panel.platform.models import Event
from heliosphere.panel.servers.models import LogicalServer
from heliosphere.panel.signup.models import SignupRequest


def plan(row: Plan) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "description": row.description,
        "access": row.access,
        "billing_type": row.billing_type,
        "currency": row.currency,
        "credit_limit_minor": row.credit_limit_minor,
        "signup_on": row.signup_on,
        "resources": [line for line in row.resources.all() if line.included],
        "periods": list(row.periods.all()),
    }


def signup(row: SignupRequest) -> dict[str, Any]:
    names = ("state", "login", "domain", "plan_id", "total_minor", "currency", "account_id", "job_group_id")
    return {"id": row.pk} | {name: getattr(row, name) for name in names}


def account(row: Account) -> dict[str, Any]:
    """`row` comes from hosting.queries, which adds what it owes."""
    names = (
        "plan_id",
        "state",
        "currency",
        "credit_limit_minor",
        "period_begin",
        "period_end",
        "suspend_reason",
    )
    more = {"id": row.pk, "login": row.user.login, "balance_minor": -row.owed_minor}  # type: ignore[attr-defined]
    return more | {name: getattr(row, name) for name in names}


def invoice(row: Invoice) -> dict[str, Any]:
    names = (
        "number",
        "account_id",
        "issued_on",
        "currency",
        "subtotal_minor",
        "tax_minor",
        "total_minor",
        "paid_at",
    )
    return {"id": row.pk, "lines": list(row.lines.all()), "taxes": list(row.taxes.all())} | {
        name: getattr(row, name) for name in names
    }


def logical_server(row: LogicalServer) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "kind": row.group.kind,
        "physical": row.physical.name,
        "signup_on": row.signup_on,
    }


def zone(row: Zone) -> dict[str, Any]:
    spec = zone_spec(row)
    return {
        "name": spec.name,
        "reality": row.reality,
        "nameservers": list(spec.nameservers),
        "hostmaster": spec.hostmaster,
        "records": [
            {"name": line.name, "type": line.type, "ttl": line.ttl, "values": list(line.values)}
            for line in spec.records
        ],
    }


def event(row: Event) -> dict[str, Any]:
    names = ("at", "name", "subject_kind", "subject_id", "before", "after")
    more = {"id": row.pk, "actor": row.actor_label, "subject": row.subject_label, "text": text_of(row)}
    return more | {name: getattr(row, name) for name in names}
