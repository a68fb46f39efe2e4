"""From wishes, controls and scan results to one answer for the client and a fate for each recipient.

SMTP has one answer for all recipients of a message. The rules when they want different things:

- A virus: if one recipient with antivirus wants it refused, it is refused for all. Otherwise it is taken,
  and removed or quarantined for those with antivirus; others get it.
- Spam: it is refused only when nobody is left who wants it. A recipient who wants it refused while another
  wants it gets it marked, in the folder for spam: only who asked for removal loses a message.
- What cannot be checked is never lost: for viruses the client is asked to try later, unless the operator
  chose otherwise or trying again would not help; for spam it is delivered, with a remark.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.content import headers
from heliosphere.mta.rules.content.policy import SpamAction, SpamPolicy, VirusAction, VirusPolicy
from heliosphere.mta.rules.content.results import (
    Infected,
    SpamResult,
    SpamScore,
    TooBig,
    Unavailable,
    VirusResult,
)
from heliosphere.mta.rules.content.signatures import Hit
from heliosphere.mta.rules.replies import Reply

PROGRAM_REFUSED = Reply(554, "5.3.2", "this message carries a program of a kind that is not taken here")
SPAM_REFUSED = Reply(554, "5.3.2", "this message looks like spam and is not taken")
SCAN_LATER = Reply(451, "4.3.0", "cannot check the message for viruses at the moment")


def infected_reply(name: str) -> Reply:
    return Reply(554, "5.3.2", f"this message carries a virus: {name}")


@dataclass(frozen=True, slots=True)
class ScanPolicy:
    """The controls of the same names, as plain values."""

    chksignature: bool = False
    chkloadertype: bool = False
    clamglobal: bool = False
    spamglobal: bool = False
    skipcachk: int = 0
    skipsachk: int = 0
    samsgsize: int = 256_000
    clamfailopen: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the lists say for one recipient; None: not enrolled."""

    virus: VirusPolicy | None = None
    spam: SpamPolicy | None = None


def skips(level: int, client_class: str) -> bool:
    """skipcachk and skipsachk: 1 spares who signed in, 2 and more every client that may relay."""
    if level <= 0:
        return False
    return client_class == "auth" if level == 1 else client_class in headers.RELAY_CLASSES


def virus_duties(
    wishes: Mapping[Address, Wishes], client_class: str, policy: ScanPolicy
) -> dict[Address, VirusPolicy]:
    """The recipients whose mail is checked for viruses and programs, with what they want done."""
    if skips(policy.skipcachk, client_class):
        return {}
    default = VirusPolicy() if policy.clamglobal else None
    found = {recipient: one.virus or default for recipient, one in wishes.items()}
    return {recipient: one for recipient, one in found.items() if one is not None}


def spam_duties(
    wishes: Mapping[Address, Wishes], client_class: str, policy: ScanPolicy
) -> dict[Address, SpamPolicy]:
    """The recipients whose mail is checked for spam, with what they want done."""
    if skips(policy.skipsachk, client_class):
        return {}
    default = SpamPolicy() if policy.spamglobal else None
    found = {recipient: one.spam or default for recipient, one in wishes.items()}
    return {recipient: one for recipient, one in found.items() if one is not None}


def is_too_big_for_spam(size: int, policy: ScanPolicy) -> bool:
    return 0 < policy.samsgsize < size


@dataclass(frozen=True, slots=True)
class Refusal:
    """The message is not taken. The words are those of session log and traffic log."""

    reply: Reply
    condition: str
    statistic: str
    control: str = ""
    info: str = ""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of the message for one recipient.

    `folder` is a Maildir++ folder such as ".Spam", empty for the inbox; `fields` are header fields to put
    on top; `statistic` is the word of the traffic log.
    """

    drop: bool = False
    folder: str = ""
    fields: bytes = b""
    subject_tag: str = ""
    statistic: str = "success"


DELIVERED = Fate()


def judge_hit(hit: Hit | None, duties: Collection[Address]) -> Refusal | None:
    """The attachment filters refuse for all as soon as one recipient has antivirus, whatever its action."""
    if hit is None or not duties:
        return None
    condition = "Bad_MIME" if hit.control == "chksignature" else "Bad_Loader"
    return Refusal(PROGRAM_REFUSED, condition, "rejclam", hit.control, hit.entry)


def scan_later(reason: str) -> Refusal:
    """Nobody can tell at the moment whether there is a virus."""
    return Refusal(SCAN_LATER, "Virus_Unchecked", "", info=reason)


def judge_virus(
    duties: Mapping[Address, VirusPolicy], result: VirusResult, policy: ScanPolicy
) -> Refusal | dict[Address, Fate]:
    """The fates of recipients with antivirus that are not plain delivery."""
    if isinstance(result, Infected):
        if any(wish.action is VirusAction.REJECT for wish in duties.values()):
            return Refusal(infected_reply(result.name), "Virus_Infected", "rejclam", info=result.name)
        return {recipient: _infected_fate(wish, result.name) for recipient, wish in duties.items()}
    if isinstance(result, Unavailable):
        if not policy.clamfailopen:
            return scan_later(result.reason)
        return dict.fromkeys(duties, Fate(fields=headers.virus_unscanned_field("the scanner is away")))
    if isinstance(result, TooBig):
        return dict.fromkeys(duties, Fate(fields=headers.virus_unscanned_field("too big for the scanner")))
    return {}


def _infected_fate(wish: VirusPolicy, name: str) -> Fate:
    if wish.action is VirusAction.REMOVE:
        return Fate(drop=True, statistic="rejclam")
    return Fate(folder=f".{wish.folder}", fields=headers.infected_field(name))


class _Want(Enum):
    INBOX = auto()
    FOLDER = auto()
    NOTHING = auto()
    REFUSAL = auto()


_WANTED = {
    SpamAction.MARK: _Want.INBOX,
    SpamAction.MOVE: _Want.FOLDER,
    SpamAction.REMOVE: _Want.NOTHING,
    SpamAction.REJECT: _Want.REFUSAL,
}


@dataclass(frozen=True, slots=True)
class _Opinion:
    want: _Want = _Want.INBOX
    fields: bytes = b""
    tag: str = ""


def needs_score(wish: SpamPolicy, sender: Address) -> bool:
    """The recipient's own lists decide without asking the scanner."""
    return not wish.is_white(sender) and not wish.is_black(sender)


def judge_spam(
    duties: Mapping[Address, SpamPolicy],
    results: Mapping[Address, SpamResult],
    sender: Address,
    others_want_it: bool,
) -> Refusal | dict[Address, Fate]:
    """The fates of recipients with antispam. A recipient without a result was not scanned.

    `others_want_it`: there are recipients of the message, not among `duties`, who get it in any case.
    """
    opinions = {
        recipient: _opinion(wish, results.get(recipient), sender) for recipient, wish in duties.items()
    }
    wants = [one.want for one in opinions.values()]
    unwanted = not others_want_it and all(want in (_Want.NOTHING, _Want.REFUSAL) for want in wants)
    if unwanted and _Want.REFUSAL in wants:
        return Refusal(SPAM_REFUSED, "Spam_Message", "rejspam", info=_why(results))
    return {recipient: _spam_fate(duties[recipient], one) for recipient, one in opinions.items()}


def _opinion(wish: SpamPolicy, result: SpamResult | None, sender: Address) -> _Opinion:
    if wish.is_white(sender):
        return _Opinion(fields=headers.listed_fields(is_spam=False))
    if wish.is_black(sender):
        want = _Want.NOTHING if wish.action is SpamAction.REMOVE else _Want.REFUSAL
        return _Opinion(want, headers.listed_fields(is_spam=True), wish.subject)
    if isinstance(result, Unavailable):
        return _Opinion(fields=headers.spam_unscanned_field("the scanner is away"))
    if result is None:
        return _Opinion()
    threshold = result.threshold if wish.max_score is None else wish.max_score
    is_spam = result.is_spam if wish.max_score is None else result.score > wish.max_score
    fields = headers.spam_fields(result, is_spam=is_spam, threshold=threshold)
    return _Opinion(_WANTED[wish.action], fields, wish.subject) if is_spam else _Opinion(fields=fields)


def _spam_fate(wish: SpamPolicy, opinion: _Opinion) -> Fate:
    if opinion.want is _Want.NOTHING:
        return Fate(drop=True, statistic="rejspam")
    folder = "" if opinion.want is _Want.INBOX else f".{wish.folder}"
    return Fate(folder=folder, fields=opinion.fields, subject_tag=opinion.tag)


def _why(results: Mapping[Address, SpamResult]) -> str:
    scores = [one.score for one in results.values() if isinstance(one, SpamScore)]
    return f"score={max(scores):.1f}" if scores else "black list"


def both(first: Fate, second: Fate) -> Fate:
    """One recipient's fate from two checks; what the first decided stays, remarks are added."""
    return Fate(
        drop=first.drop or second.drop,
        folder=first.folder or second.folder,
        fields=first.fields + second.fields,
        subject_tag=first.subject_tag or second.subject_tag,
        statistic=first.statistic if first.drop else second.statistic,
    )
