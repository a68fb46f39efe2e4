"""What is said of mail servers, their settings and their verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from heliosphere.contracts.controls.registry import BadValue
from heliosphere.panel.look.states import State, register
from heliosphere.panel.mail.server.models import QuestionKind

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise

#: stage to title and one sentence
STAGE_TEXTS: dict[str, tuple[StrOrPromise, StrOrPromise]] = {
    "connect": (gettext_lazy("Connecting"), gettext_lazy("Who may talk to the server, how many at once.")),
    "helo": (gettext_lazy("Greeting"), gettext_lazy("What is asked of the name clients give (HELO).")),
    "auth": (gettext_lazy("Signing in"), gettext_lazy("How users prove who they are before they send.")),
    "mail": (gettext_lazy("Sender"), gettext_lazy("What is checked when the sender is named (MAIL FROM).")),
    "rcpt": (gettext_lazy("Recipient"), gettext_lazy("What is checked for each recipient (RCPT TO).")),
    "data": (gettext_lazy("Message"), gettext_lazy("Size, and who signed the message.")),
    "content": (gettext_lazy("Content"), gettext_lazy("Programs, viruses and spam inside of messages.")),
    "queue": (gettext_lazy("Queue and delivery"), gettext_lazy("How accepted mail goes on.")),
    "delivery": (gettext_lazy("Delivery"), gettext_lazy("How mail reaches mailboxes.")),
    "bounce": (gettext_lazy("Bounces"), gettext_lazy("Who writes them, and who gets those nobody else can.")),
    "operation": (gettext_lazy("Operation"), gettext_lazy("Logs and records.")),
}  # fmt: skip

KIND_WORDS: dict[str, StrOrPromise] = {
    "flag": gettext_lazy("on or off"),
    "number": gettext_lazy("number"),
    "text": gettext_lazy("text"),
    "lines": gettext_lazy("list"),
}

QUESTION_TITLES: dict[str, StrOrPromise] = {
    QuestionKind.CONTROLS: gettext_lazy("Read the settings of a mail server"),
    QuestionKind.EXPLAIN: gettext_lazy("Explain a mail session"),
    QuestionKind.SESSIONS: gettext_lazy("Look up mail sessions"),
    QuestionKind.SESSION: gettext_lazy("Look up a mail session"),
    QuestionKind.WHAT_IF: gettext_lazy("Try mail server settings on past sessions"),
}

for _key, _state in {
    "accepted": State(pgettext_lazy("state", "Accepted"), "good", "state-active"),
    "deferred": State(pgettext_lazy("state", "Asked to come later"), "warn", "state-waiting"),
    "hung-up": State(pgettext_lazy("state", "Hung up"), "bad", "state-failed"),
    "in-order": State(pgettext_lazy("state", "In order"), "good", "state-active"),
    "broken": State(pgettext_lazy("state", "Broken"), "bad", "error"),
    "unread": State(pgettext_lazy("state", "Cannot be read"), "warn", "warning"),
    "part": State(pgettext_lazy("state", "Refused in part"), "warn", "state-refused"),
}.items():
    register(_key, _state)


def verdict_text(summary: str, *, is_past: bool) -> str:
    """The whole verdict, of a session that was or of one that might be."""
    past = {
        "accepted": _("The message was taken."),
        "part": _("The message was taken for some recipients and refused for others."),
        "refused": _("The message was refused."),
        "deferred": _("The client was asked to come again later."),
        "hung-up": _("The server hung up on the client."),
    }
    would = {
        "accepted": _("The message would be taken."),
        "part": _("The message would be taken for some recipients and refused for others."),
        "refused": _("The message would be refused."),
        "deferred": _("The client would be asked to come again later."),
        "hung-up": _("The server would hang up on the client."),
    }
    return (past if is_past else would)[summary]


VERDICT_TONES = {"accepted": "good", "part": "warn", "deferred": "warn", "refused": "bad", "hung-up": "bad"}


def said_wrong(bad: BadValue) -> str:
    """What is wrong with a value, with its line where that helps."""
    facts = {"line": bad.line, "text": bad.found, "why": bad.why}
    if bad.line > 0 and bad.found:
        return _("Line %(line)d, “%(text)s”: %(why)s.") % facts
    return _("%(why)s.") % facts
