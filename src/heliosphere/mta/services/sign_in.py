"""Let users sign in: passwords, challenges, and an end to guessing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from heliosphere.mta.rules.errors import TryLater
from heliosphere.mta.rules.scram import ScramKeys
from heliosphere.mta.rules.store.flags import Service
from heliosphere.mta.services.ports import EventLog, SignInDesk, SignInRefused
from heliosphere.mta.wire.smtp_questions import FindKeys, SignIn, SignInByDigest, SignInByProof, SignInFailed

AFTER_WRONG_PASSWORD = 5.0
"""Seconds a client waits for its 535."""


class FailureGuard(Protocol):
    """Counts failed sign-ins of the last minutes, of all processes together."""

    def is_blocked(self, ip: str, account: str) -> bool: ...

    def failed(self, ip: str, account: str) -> None: ...


@dataclass(frozen=True, slots=True)
class SmtpSignIn:
    """Answers the questions of AUTH. `pause` is asyncio.sleep outside of tests."""

    desk: SignInDesk
    guard: FailureGuard
    log: EventLog
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def sign_in(self, question: SignIn, ip: str) -> str | SignInFailed:
        def check() -> str:
            return self.desk.sign_in(question.name, question.password, Service.SMTP)

        return await self._try(check, question.name, question.method, ip)

    async def by_digest(self, question: SignInByDigest, ip: str) -> str | SignInFailed:
        def check() -> str:
            return self.desk.sign_in_by_digest(
                question.name, question.challenge, question.digest, Service.SMTP
            )

        return await self._try(check, question.name, "CRAM-MD5", ip)

    async def find_keys(self, question: FindKeys, ip: str) -> ScramKeys | SignInFailed:
        """Made-up keys for who does not exist: the exchange does not tell who does."""
        if self.guard.is_blocked(ip, question.name):
            return self._blocked(question.name, "SCRAM-SHA-256", ip)
        try:
            return await asyncio.to_thread(self.desk.scram_keys, question.name)
        except (TryLater, OSError) as trouble:
            return self._unavailable(question.name, trouble)

    async def by_proof(self, question: SignInByProof, ip: str) -> str | SignInFailed:
        def check() -> str:
            if not question.is_right or not question.keys.address:
                raise SignInRefused("wrong password")
            return self.desk.sign_in_proven(question.keys.address, Service.SMTP)

        return await self._try(check, question.name, "SCRAM-SHA-256", ip)

    async def _try(self, check: Callable[[], str], name: str, method: str, ip: str) -> str | SignInFailed:
        if self.guard.is_blocked(ip, name):
            return self._blocked(name, method, ip)
        try:
            login = await asyncio.to_thread(check)
        except SignInRefused as refusal:
            self.guard.failed(ip, name)
            self.log.event(
                "auth.refused", service="smtp", method=method, ip=ip, login=name, reason=refusal.reason
            )
            await self.pause(AFTER_WRONG_PASSWORD)
            return SignInFailed.WRONG
        except (TryLater, OSError) as trouble:
            return self._unavailable(name, trouble)
        self.log.event("auth.accepted", service="smtp", method=method, ip=ip, login=login)
        return login

    def _blocked(self, name: str, method: str, ip: str) -> SignInFailed:
        self.log.event("auth.blocked", service="smtp", method=method, ip=ip, login=name)
        return SignInFailed.BLOCKED

    def _unavailable(self, name: str, trouble: Exception) -> SignInFailed:
        self.log.event("auth.unavailable", service="smtp", login=name, reason=str(trouble))
        return SignInFailed.UNAVAILABLE
