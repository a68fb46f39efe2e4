"""What a mail server last said of its settings, and the questions people asked it."""

from __future__ import annotations

from django.db import models

from heliosphere.contracts.codec import decode
from heliosphere.panel.platform.jobs.models import JobState
from heliosphere.panel.platform.tenancy import TenantRows


class MailServerState(models.Model):
    """The controls of a machine's mail server as read last; `found` is a ControlsFound as text.

    `trouble` says why a later reading failed; what was read before stays. `bad_count` counts the values that
    cannot be used as they stand. `changed_at` is when the panel's own last change was done.
    """

    physical = models.OneToOneField(
        "servers.PhysicalServer", on_delete=models.CASCADE, related_name="mail_state"
    )
    found = models.TextField(blank=True)
    read_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    trouble = models.TextField(blank=True)
    bad_count = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"settings of {self.physical_id}"


class QuestionKind(models.TextChoices):
    CONTROLS = "controls"
    EXPLAIN = "explain"
    SESSIONS = "sessions"
    SESSION = "session"
    WHAT_IF = "what-if"


class Question(TenantRows):
    """A question to a mail server and, once its job is done, the answer. Only who asked may read it.

    It goes with its job, soon. What was asked is the spec of the job.
    """

    account_path = "account_id"

    provider_id = models.BigIntegerField(null=True)
    account_id = models.BigIntegerField(null=True)
    user_id = models.BigIntegerField(null=True)
    server = models.ForeignKey("servers.LogicalServer", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=QuestionKind.choices)
    job = models.OneToOneField("platform.Job", on_delete=models.CASCADE, related_name="question")
    answer = models.TextField(blank=True)
    asked_at = models.DateTimeField()

    class Meta(TenantRows.Meta):
        indexes = [models.Index(fields=["user_id", "-id"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def state(self) -> str:
        """waiting, answered or failed."""
        if self.job.is_open:
            return "waiting"
        return "answered" if self.job.state == JobState.DONE and self.answer else "failed"

    @property
    def asked(self) -> object:
        """The contract that was asked."""
        return decode(self.job.spec)

    @property
    def found(self) -> object:
        """The contract that answers, None while there is none."""
        return decode(self.answer) if self.answer else None
