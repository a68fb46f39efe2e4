"""The audit trail, and the job tables (jobs/models.py)."""

from __future__ import annotations

from django.db import models

from heliosphere.panel.platform.jobs.models import Job, JobAttempt, JobGroup, JobLog
from heliosphere.panel.platform.tenancy import TenantRows

__all__ = ["Event", "IdempotencyRecord", "Job", "JobAttempt", "JobGroup", "JobLog", "Notice", "PeriodicRun"]


class Event(TenantRows):
    """One write: who, what, before, after. Never changed, never deleted."""

    account_path = "account_id"

    at = models.DateTimeField()
    provider_id = models.BigIntegerField(null=True)
    account_id = models.BigIntegerField(null=True)
    actor_role = models.CharField(max_length=12)
    actor_label = models.CharField(max_length=150)
    actor_user_id = models.BigIntegerField(null=True)
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=32, blank=True)
    name = models.CharField(max_length=80)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField(null=True)
    subject_label = models.CharField(max_length=255)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta(TenantRows.Meta):
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "-id"]),
            models.Index(fields=["provider_id", "-id"]),
            models.Index(fields=["account_id", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.subject_label}"


class Notice(TenantRows):
    """An e-mail as it was written; `sent_at` once the mail server has it."""

    account_path = "account_id"

    provider_id = models.BigIntegerField()
    account_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=40)
    to = models.EmailField()
    sender = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta(TenantRows.Meta):
        indexes = [models.Index(fields=["account_id", "-id"])]

    def __str__(self) -> str:
        return self.subject


class IdempotencyRecord(models.Model):
    """The answer to a write that carried an idempotency key; sent again for the same key and body."""

    owner = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    status = models.IntegerField(null=True)
    answer = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return self.key


class PeriodicRun(models.Model):
    """When a periodic job ran last, so that a restart neither skips nor repeats it."""

    name = models.CharField(max_length=60, primary_key=True)
    last_due = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
