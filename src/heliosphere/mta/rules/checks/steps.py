"""Rows of the tables that do more than judge: waiting, and plugins."""

from __future__ import annotations

from collections.abc import Callable

from heliosphere.mta.rules.addresses import Address, parse_address
from heliosphere.mta.rules.checks.check import TAKEN_AT_ONCE, Judging, RunPlugins, Wait
from heliosphere.mta.rules.findings import Finding
from heliosphere.mta.rules.plugins.spp import Decision, PluginOutcome, Section
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import Relay, Session

_LOG_KINDS = {Section.MAIL: "ORIG", Section.RCPT: "RCPT", Section.DATA: "DATA", Section.AUTH: "AUTH"}


def tarpit(session: Session, recipient: Address) -> Judging:
    """tarpitcount, tarpitdelay: also recipients that will turn out wrong are slowed down."""
    policy = session.policy
    if session.may_relay or session.recipients_seen < policy.tarpitcount or not policy.tarpitdelay:
        return None
    yield Wait(policy.tarpitdelay)
    return Finding(None, f"waited {policy.tarpitdelay} seconds", "Tarpit", "RCPT", "tarpitdelay")


def plugins(section: Section) -> Callable[[Session, Address], Judging]:
    """The plugins of one section of smtpplugins."""
    kind = _LOG_KINDS.get(section, "SNDR")

    def finding(reply: Reply | None, *, drop: bool = False) -> Finding:
        why = f"a plugin answered: {reply.text}" if reply is not None else "a plugin hung up"
        return Finding(reply, why, "Plugin", kind, "smtpplugins", drop=drop)

    def act(session: Session, address: Address) -> Judging:
        late = session.late_refusals.get(section)
        if late is not None:
            return finding(late)
        if session.plugins_over or section not in session.policy.plugins:
            return None
        outcome = yield RunPlugins(section, str(address))
        assert isinstance(outcome, PluginOutcome)
        _remember(session, outcome)
        if outcome.decision is Decision.DROP:
            return finding(None, drop=True)
        if outcome.reply is not None:
            return finding(outcome.reply)
        return TAKEN_AT_ONCE if outcome.skips_own_checks else None

    return act


def _remember(session: Session, outcome: PluginOutcome) -> None:
    session.plugins_over = session.plugins_over or outcome.ends_plugins
    session.late_refusals = {**outcome.later, **session.late_refusals}
    session.added_headers += outcome.headers
    if outcome.address is not None:
        session.changed_address = parse_address(outcome.address)
    for name, value in outcome.environment.items():
        if value is None:
            session.plugin_variables.pop(name, None)
        else:
            session.plugin_variables[name] = value
    _follow_relayclient(session, outcome)


def _follow_relayclient(session: Session, outcome: PluginOutcome) -> None:
    """A plugin that sets or takes RELAYCLIENT decides over relaying, as it does in qmail."""
    if "RELAYCLIENT" not in outcome.environment:
        return
    suffix = outcome.environment["RELAYCLIENT"]
    if suffix is None:
        session.relay, session.relay_suffix = Relay.NONE, ""
    elif session.relay is not Relay.AUTH:
        session.relay, session.relay_suffix = Relay.STATIC, suffix
