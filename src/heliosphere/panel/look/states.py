"""Every state a person can see: its word, its colour and its icon, the same on every page.

Apps whose objects have a state not listed here add it with `register` in their AppConfig.ready().
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.utils.text import capfirst
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise

Tone = Literal["good", "busy", "wait", "warn", "bad", "quiet"]


@dataclass(frozen=True, slots=True)
class State:
    """`tone` picks the colour; `word` is what people read, so colour never stands alone."""

    word: StrOrPromise
    tone: Tone
    icon: str


def _(word: str) -> StrOrPromise:
    return pgettext_lazy("state", word)


STATES: dict[str, State] = {
    # accounts and what belongs to them
    "active": State(_("Active"), "good", "state-active"),
    "live": State(_("Live"), "good", "state-active"),
    "trial": State(_("Trial"), "wait", "state-trial"),
    "suspended": State(_("Suspended"), "warn", "state-suspended"),
    "moderated": State(_("Awaiting approval"), "wait", "state-moderated"),
    "approved": State(_("Approved"), "good", "state-done"),
    "rejected": State(_("Rejected"), "bad", "state-refused"),
    "provisioning": State(_("Being set up"), "busy", "state-running"),
    "removing": State(_("Being removed"), "busy", "state-deleted"),
    "deleted": State(_("Deleted"), "quiet", "state-deleted"),
    "full": State(_("Full"), "bad", "state-full"),
    "blocked": State(_("Blocked"), "bad", "state-refused"),
    "expired": State(_("Expired"), "bad", "state-overdue"),
    # jobs
    "queued": State(_("Queued"), "wait", "state-queued"),
    "running": State(_("Running"), "busy", "state-running"),
    "retrying": State(_("Trying again"), "busy", "state-retrying"),
    "waiting": State(_("Waiting"), "wait", "state-waiting"),
    "done": State(_("Done"), "good", "state-done"),
    "failed": State(_("Failed"), "bad", "state-failed"),
    "dead": State(_("Gave up"), "bad", "state-failed"),
    "refused": State(_("Refused"), "bad", "state-refused"),
    "cancelled": State(_("Cancelled"), "quiet", "state-cancelled"),
    # money
    "draft": State(_("Draft"), "quiet", "state-draft"),
    "open": State(_("Open"), "wait", "state-open"),
    "paid": State(_("Paid"), "good", "state-paid"),
    "overdue": State(_("Overdue"), "bad", "state-overdue"),
    "void": State(_("Void"), "quiet", "state-void"),
    "refunded": State(_("Refunded"), "quiet", "state-retrying"),
    # switches, services, plans of ours
    "on": State(_("On"), "good", "state-active"),
    "off": State(_("Off"), "quiet", "state-off"),
    "up": State(_("Up"), "good", "state-active"),
    "down": State(_("Down"), "bad", "state-failed"),
    "todo": State(_("To do"), "wait", "state-open"),
    "later": State(_("Comes later"), "quiet", "state-later"),
}


def register(key: str, state: State) -> None:
    """Add a state of an app. The same key twice with another meaning is a bug and stops the start."""
    if STATES.get(key, state) != state:
        raise ValueError(f"two states are called {key!r}")
    STATES[key] = state


def state_of(key: str) -> State:
    """The state called `key`. One we do not know is shown by its own name, quietly, never hidden."""
    known = STATES.get(key)
    return known or State(capfirst(key.replace("_", " ")), "quiet", "state-open")
