"""Tell the sender of a finished message about the recipients that were given up."""

from __future__ import annotations

from heliosphere.mta.queue.states import Envelope, QueuedMessage
from heliosphere.mta.rules.delivery.bounces import BounceNames, bounce_text, plan_bounce
from heliosphere.mta.rules.errors import Refused
from heliosphere.mta.services.ports import Clock, EventLog, Spool


def send_bounce(
    message: QueuedMessage, names: BounceNames, *, spool: Spool, log: EventLog, clock: Clock
) -> None:
    """Queue the bounce first, forget the reports after: a crash between means two bounces, never none."""
    reports = spool.reports(message.number)
    if not reports:
        return
    plan = plan_bounce(message.sender, names)
    if plan is None:
        log.event("bounce.discarded", msg=message.number, sender=message.sender)
    else:
        original = spool.read(message.number)
        text = bounce_text(plan, message.sender, reports, original, names, clock())
        try:
            spool.inject(Envelope(plan.sender, (plan.recipient,)), (text,))
            log.event("bounce.sent", msg=message.number, rcpt=plan.recipient, double=int(plan.is_double))
        except Refused as refusal:
            log.event("bounce.discarded", msg=message.number, sender=message.sender, reason=str(refusal))
    spool.drop_reports(message.number)
