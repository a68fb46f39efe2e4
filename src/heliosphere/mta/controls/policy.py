"""The controls of an SMTP session as the plain values its checks take."""

from __future__ import annotations

from heliosphere.mta.controls import common, smtpd
from heliosphere.mta.controls.registry import Snapshot
from heliosphere.mta.rules.session import SmtpPolicy


def smtp_policy(controls: Snapshot, *, has_certificate: bool) -> SmtpPolicy:
    me = controls[common.ME] or "localhost"
    return SmtpPolicy(
        hostname=me,
        greeting=controls[smtpd.SMTPGREETING] or me,
        smtpauth=controls[smtpd.SMTPAUTH],
        authsender=controls[smtpd.AUTHSENDER],
        databytes=controls[smtpd.DATABYTES],
        maxrecipients=controls[smtpd.MAXRECIPIENTS],
        userchk=controls[common.USERCHK],
        uquotacheck=controls[common.UQUOTACHECK],
        has_certificate=has_certificate,
        timeout=controls[smtpd.TIMEOUTSMTPD],
    )
