"""Writes about domains."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from heliosphere.panel.accounts.models import Account, Provider
from heliosphere.panel.domains import rules
from heliosphere.panel.domains.models import Domain, DomainKind
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.errors import Refused
from heliosphere.panel.platform.principal import Principal

_REASONS = {
    "empty": gettext_lazy("Type a domain name."),
    "too-long": gettext_lazy("This name is too long: a domain name has at most 253 characters."),
    "one-label": gettext_lazy("A domain name has at least one dot, as in example.com."),
    "syntax": gettext_lazy(
        "This is not a domain name. Letters, digits and hyphens are allowed between the dots."
    ),
    "reserved": gettext_lazy("This name is kept for the provider's own servers."),
}


def wanted_domain(kind: DomainKind, text: str, *, provider: Provider) -> str:
    """The full ASCII name a customer asks for, if it can be had. Raises Refused on field "domain"."""
    try:
        if kind == DomainKind.THIRD_LEVEL:
            name = f"{rules.ascii_label(text)}.{provider.service_zone}"
        else:
            name = rules.ascii_domain(text)
    except rules.NotADomain as error:
        reason = str(error.args[0])
        raise Refused(_REASONS[reason], code=f"domain-{reason}", field="domain") from error
    if kind == DomainKind.EXISTING:
        _check_existing(name)
    _check_free(name)
    return name


def _check_existing(name: str) -> None:
    if rules.is_public_suffix(name):
        raise Refused(
            _("Names are registered under this one; it cannot be hosted itself."),
            code="domain-public-suffix",
            field="domain",
        )
    parents = [name.split(".", n)[n] for n in range(1, name.count(".") + 1)]
    if Domain.everything.filter(name__in=parents).exists():
        raise Refused(
            _("This name lies under a domain that is hosted here."),
            code="domain-parent-hosted",
            field="domain",
        )


def _check_free(name: str) -> None:
    if Domain.everything.filter(name=name).exists():
        raise Refused(
            _("The domain %s is hosted here already.") % rules.shown(name),
            code="domain-taken",
            field="domain",
            advice=_("Choose another name. If it is yours, ask support to move it."),
        )


@transaction.atomic
def add_domain(
    *,
    name: str,
    kind: DomainKind,
    provider: Provider,
    account: Account | None,
    actor: Principal,
    now: datetime,
) -> Domain:
    """Take a name into the installation. `name` comes from `wanted_domain`."""
    _check_free(name)
    domain = Domain.objects.create(provider=provider, account=account, name=name, kind=kind, created_at=now)
    audit.record("domain.added", domain, actor=actor, now=now, after={"name": name, "kind": kind})
    return domain
