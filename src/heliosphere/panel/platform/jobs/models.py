"""The job table: transactional outbox, lease, order and dead-letter list in one."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.platform.tenancy import TenantRows


class JobGroup(TenantRows):
    """Jobs that were queued for one reason and are watched together (opening an account, suspending it)."""

    account_path = "account_id"

    provider_id = models.BigIntegerField(null=True)
    account_id = models.BigIntegerField(null=True)
    title = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta(TenantRows.Meta):
        indexes = [models.Index(fields=["account_id", "-id"])]

    def __str__(self) -> str:
        return self.title


class JobState(models.TextChoices):
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    DEAD = "dead", _("gave up")
    CANCELLED = "cancelled", _("cancelled")


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)
ENDED_STATES = (JobState.DONE, JobState.FAILED, JobState.DEAD, JobState.CANCELLED)


class Job(TenantRows):
    """One piece of work. Jobs of one `object_key` run one at a time in the order they were queued.

    failed: a person must change something; dead: tried `max_attempts` times. Both can be tried again.
    """

    account_path = "account_id"

    provider_id = models.BigIntegerField(null=True)
    account_id = models.BigIntegerField(null=True)
    group = models.ForeignKey(JobGroup, null=True, on_delete=models.PROTECT, related_name="jobs")
    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    node = models.CharField(max_length=60)
    object_key = models.CharField(max_length=255)
    spec = models.TextField()
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    attempts = models.IntegerField(default=0)
    max_attempts = models.IntegerField(default=10)
    run_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    step = models.IntegerField(default=0)
    steps = models.IntegerField(default=0)
    code = models.CharField(max_length=80, blank=True)
    message = models.TextField(blank=True)
    advice = models.TextField(blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    actor_label = models.CharField(max_length=150, blank=True)

    class Meta(TenantRows.Meta):
        indexes = [
            models.Index(fields=["state", "run_at", "id"]),
            models.Index(fields=["object_key", "id"]),
            models.Index(fields=["provider_id", "-id"]),
            models.Index(fields=["account_id", "-id"]),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def may_retry(self) -> bool:
        return self.state in (JobState.FAILED, JobState.DEAD, JobState.CANCELLED)


class JobAttempt(models.Model):
    """One try. Its id is the fence: it only grows, over the whole installation."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="tries")
    worker = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=12, blank=True)
    message = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"try {self.pk} of job {self.job_id}"


class JobLog(models.Model):
    """One line of a job's log."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    level = models.CharField(max_length=8)
    text = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["job", "id"])]

    def __str__(self) -> str:
        return self.text
