"""Mail domains and mailboxes: from what the store has to what is wanted."""

from __future__ import annotations

from dataclasses import dataclass

from heliosphere.agent.rules.steps import Plan, Step
from heliosphere.contracts.mailboxes import MailboxSpec, MailDomainSpec


@dataclass(frozen=True, slots=True)
class FoundDomain:
    aliases: tuple[str, ...]
    suspended: bool


@dataclass(frozen=True, slots=True)
class FoundMailbox:
    password_hash: str
    quota_bytes: int
    comment: str
    enabled: bool


def domain_steps(found: FoundDomain | None, wanted: MailDomainSpec) -> Plan:
    """The postmaster's password is set only when the domain is made: later it is a mailbox's own affair."""
    steps: list[Step] = []
    have = frozenset(found.aliases) if found else frozenset[str]()
    if found is None:
        steps.append(Step("create", f"make the mail domain {wanted.name} with its postmaster"))
    for alias in sorted(frozenset(wanted.aliases) - have):
        steps.append(Step("add_alias", f"take mail for {alias} as mail for {wanted.name}", alias))
    for alias in sorted(have - frozenset(wanted.aliases)):
        steps.append(Step("remove_alias", f"take no more mail for {alias}", alias))
    if wanted.suspended and not (found and found.suspended):
        steps.append(Step("suspend", f"close every mailbox of {wanted.name}, mail stays stored"))
    if found and found.suspended and not wanted.suspended:
        steps.append(Step("resume", f"open the mailboxes of {wanted.name} again"))
    return tuple(steps)


def mailbox_steps(found: FoundMailbox | None, wanted: MailboxSpec) -> Plan:
    """One step makes a mailbox whole; an empty wanted comment leaves what is there."""
    if found is None:
        return (Step("create", f"make the mailbox {wanted.address}"),)
    steps: list[Step] = []
    if found.password_hash != wanted.password_hash:
        steps.append(Step("password", f"set the password of {wanted.address}"))
    if found.quota_bytes != wanted.quota_bytes:
        size = f"{wanted.quota_bytes // 1024 // 1024} MB" if wanted.quota_bytes else "no limit"
        steps.append(Step("quota", f"set the quota of {wanted.address} to {size}"))
    if wanted.comment and found.comment != wanted.comment:
        steps.append(Step("comment", f"set the name shown for {wanted.address}"))
    if found.enabled != wanted.enabled:
        steps.append(Step("enabled", f"{'open' if wanted.enabled else 'close'} the mailbox {wanted.address}"))
    return tuple(steps)
