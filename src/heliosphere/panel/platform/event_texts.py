"""What audit events are called in timelines. Every name that is recorded has its words here; a test compares.

`kind` is a state or an icon of the look. Values of the event may stand in the text: %(reason)s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import pgettext_lazy

from heliosphere.panel.platform.registry import Registry

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise

    from heliosphere.panel.platform.models import Event


@dataclass(frozen=True, slots=True)
class EventText:
    name: str
    text: StrOrPromise
    kind: str = "note"


EVENT_TEXTS: Registry[EventText] = Registry("event")


def _(text: str) -> StrOrPromise:
    return pgettext_lazy("event", text)


for _entry in (
    EventText("account.opened", _("Account opened"), "state-active"),
    EventText("account.resumed", _("Account resumed"), "state-active"),
    EventText("account.suspended", _("Account suspended: %(reason)s"), "suspended"),
    EventText("api-token.issued", _("API token “%(name)s” issued"), "key"),
    EventText("api-token.revoked", _("API token “%(name)s” revoked"), "key"),
    EventText("card.released", _("Card payment released, nothing was charged"), "payment"),
    EventText("company.changed", _("Company info changed"), "company"),
    EventText("domain.added", _("Domain %(name)s added"), "domain"),
    EventText("invoice.issued", _("Invoice issued"), "invoice"),
    EventText("job.cancelled", _("Job cancelled"), "cancelled"),
    EventText("job.retried", _("Job queued again"), "retry"),
    EventText("logical-server.added", _("Logical server added"), "server-logical"),
    EventText("logical-server.signup", _("Signup on the logical server switched"), "server-logical"),
    EventText("mail-controls.changed", _("Mail server settings changed: %(names)s"), "settings"),
    EventText("mail-domain.created", _("Mail domain created"), "mail"),
    EventText("mailbox.changed", _("Mailbox changed"), "mailbox"),
    EventText("mailbox.opened", _("Mailbox added"), "mailbox"),
    EventText("mailbox.removed", _("Mailbox removed"), "mailbox"),
    EventText("payment-settings.changed", _("Payment settings changed"), "payment"),
    EventText("payment.recorded", _("Payment booked"), "paid"),
    EventText("physical-server.added", _("Physical server added"), "server"),
    EventText("plan.changed", _("Plan changed"), "edit"),
    EventText("plan.created", _("Plan created"), "plan"),
    EventText("plan.deleted", _("Plan deleted"), "delete"),
    EventText("plan.signup-closed", _("Closed for signup"), "off"),
    EventText("plan.signup-opened", _("Opened for signup"), "on"),
    EventText("signup.opened", _("Signup let in, account opened"), "approved"),
    EventText("signup.rejected", _("Signup turned down: %(reason)s"), "rejected"),
    EventText("site.created", _("Web site created"), "web"),
    EventText("tax.added", _("Tax added"), "tax"),
    EventText("tax.removed", _("Tax removed"), "tax"),
    EventText("user.sign-in-failed", _("Sign-in refused: wrong password"), "security"),
    EventText("user.signed-in", _("Signed in"), "login"),
    EventText("user.created", _("User created"), "account"),
    EventText("zone.created", _("DNS zone created"), "dns"),
):
    EVENT_TEXTS.add(_entry)


def text_of(event: Event) -> str:
    """The event in words. One without words is shown by its own name, never hidden."""
    declared = EVENT_TEXTS.get(event.name)
    if declared is None:
        return event.name
    try:
        return str(declared.text) % {**(event.before or {}), **(event.after or {})}
    except KeyError:  # an event older than its text
        return str(declared.text).split(":")[0]


def kind_of(event: Event) -> str:
    declared = EVENT_TEXTS.get(event.name)
    return declared.kind if declared else "note"
