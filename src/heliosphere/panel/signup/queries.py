"""Reads about signups."""

from __future__ import annotations

from functools import lru_cache

from babel import Locale
from django.db.models import QuerySet

from heliosphere.panel.catalog.models import BillingType, Plan
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.servers import queries as servers
from heliosphere.panel.signup.models import RequestState, SignupRequest


def waiting() -> QuerySet[SignupRequest]:
    """Requests that hold a login and a domain: at the gateway or before staff."""
    return SignupRequest.everything.filter(state__in=(RequestState.PAYING, RequestState.MODERATED))


def moderated(actor: Principal) -> QuerySet[SignupRequest]:
    """Requests of the provider that wait for staff, oldest first."""
    rows = SignupRequest.objects.of(actor).filter(state=RequestState.MODERATED)
    return rows.select_related("plan", "period").order_by("submitted_at")


def payment_types(plan: Plan) -> list[str]:
    """Ways to pay that can be chosen now."""
    if plan.billing_type == BillingType.FREE:
        return ["free"]
    provider = plan.provider
    return ["card"] * provider.accept_cards + ["check"] * provider.accept_checks


def missing_step(row: SignupRequest) -> str | None:
    """The first step that is not filled in, or None."""
    filled = {
        "period": row.period_id is not None,
        "domain": bool(row.domain_kind),
        "contact": bool(row.contact),
        "payment": bool(row.payment_type),
        "login": bool(row.login and row.password_hash),
    }
    return next((step for step, is_filled in filled.items() if not is_filled), None)


def name_server_names() -> list[str]:
    """What a customer enters at the registrar of an own domain."""
    return [server.name for server in servers.name_servers()]


@lru_cache(maxsize=8)
def country_names(language: str = "en") -> dict[str, str]:
    """Country names by ISO 3166 code, in order of name."""
    names = Locale.parse(language, sep="-").territories
    codes = {
        code: name
        for code, name in names.items()
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES
    }
    return dict(sorted(codes.items(), key=lambda pair: pair[1]))


_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})
