"""Mail domains in the vpopmail tree. The store's own operations may each be repeated harmlessly."""

from __future__ import annotations

from heliosphere.agent.config import AgentConfig
from heliosphere.agent.drivers.base import DriverEntry, Work
from heliosphere.agent.host.mail_store import VpopmailTree, open_store, our_trouble, why_not_domain
from heliosphere.agent.rules.errors import Refused
from heliosphere.agent.rules.mail_steps import FoundDomain, domain_steps
from heliosphere.agent.rules.steps import Plan, Step
from heliosphere.contracts.mailboxes import MailDomainSpec


class MailDomainDriver:
    kind = "mail_domain"
    spec_type = MailDomainSpec

    def __init__(self, store: VpopmailTree, hostname: str) -> None:
        self._store = store
        self._hostname = hostname

    def name_of(self, spec: MailDomainSpec) -> str:
        return spec.name

    def inspect(self, name: str) -> MailDomainSpec | None:
        found = self._found(name)
        if found is None:
            return None
        postmaster = self._store.find_user(f"postmaster@{name}")
        return MailDomainSpec(
            name, postmaster.password_hash if postmaster else "", found.aliases, found.suspended
        )

    def plan(self, wanted: MailDomainSpec) -> Plan:
        return domain_steps(self._found(wanted.name), wanted)

    def apply(self, wanted: MailDomainSpec, work: Work) -> tuple[str, ...]:
        with our_trouble():
            plan = self.plan(wanted)
            if self._found(wanted.name) is not None and not work.cancelled():
                self._complete(wanted)
            return work.run(plan, lambda step: self._act(wanted, step))

    def remove(self, name: str, work: Work) -> tuple[str, ...]:
        """With all stored mail. A removal that was killed half way is ended by asking again."""
        if reason := why_not_domain(name):
            raise Refused("bad_domain", f"{name}: {reason}.")
        with our_trouble():
            if self._found(name) is None:
                self._store.remove_domain(name)
                return ()
            step = Step("remove", f"remove the mail domain {name} with all its mail")
            return work.run((step,), lambda _: self._drop(name))

    def recover(self) -> None:
        with our_trouble():
            self._store.ensure_layout(self._hostname)

    def _found(self, name: str) -> FoundDomain | None:
        if not self._store.has_domain(name):
            return None
        return FoundDomain(tuple(self._store.domain_aliases(name)), self._store.is_suspended(name))

    def _complete(self, wanted: MailDomainSpec) -> None:
        """A killed try may have left the domain, an alias or the suspension in some of their files only."""
        self._store.add_domain(wanted.name, wanted.postmaster_hash)
        for alias in self._store.domain_aliases(wanted.name):
            if alias in wanted.aliases:
                self._store.add_domain_alias(wanted.name, alias)
        if wanted.suspended and self._store.is_suspended(wanted.name):
            self._store.suspend_domain(wanted.name)

    def _act(self, wanted: MailDomainSpec, step: Step) -> None:
        match step.action:
            case "create":
                self._store.add_domain(wanted.name, wanted.postmaster_hash)
            case "add_alias":
                self._store.add_domain_alias(wanted.name, step.value)
            case "remove_alias":
                self._store.remove_domain_alias(step.value)
            case "suspend":
                self._store.suspend_domain(wanted.name)
            case "resume":
                self._store.resume_domain(wanted.name)

    def _drop(self, name: str) -> None:
        self._store.remove_domain(name)


def _build(config: AgentConfig) -> MailDomainDriver:
    section = config.sections["mail"]
    return MailDomainDriver(open_store(section), section["hostname"])


ENTRY = DriverEntry("mail_domain", "mail", "Set up the mail engine on this node.", _build)
