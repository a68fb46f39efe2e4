"""Physical server: a machine with an agent. Logical server: one service on it, as customers use it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ServerKind(models.TextChoices):
    WEB = "web", _("web")
    MAIL = "mail", _("mail")
    DNS = "dns", _("name server")


class PhysicalServer(models.Model):
    """A machine. `node` is the name of the agent's queue."""

    name = models.CharField(max_length=80, unique=True)
    node = models.CharField(max_length=60, unique=True)
    ip = models.GenericIPAddressField()

    def __str__(self) -> str:
        return self.name


class ServerGroup(models.Model):
    """Logical servers of one kind that a plan may be bound to."""

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=ServerKind.choices)

    def __str__(self) -> str:
        return self.name


class LogicalServer(models.Model):
    """A service under a name of its own. Closed for signup until someone opens it."""

    name = models.CharField(max_length=253)
    group = models.ForeignKey(ServerGroup, on_delete=models.PROTECT, related_name="servers")
    physical = models.ForeignKey(PhysicalServer, on_delete=models.PROTECT, related_name="logical")
    signup_on = models.BooleanField(default=False)
    description = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="logical_name_once")]

    def __str__(self) -> str:
        return self.name


class IpKind(models.TextChoices):
    SHARED = "shared", _("shared")
    DEDICATED = "dedicated", _("dedicated")
    SERVICE = "service", _("service")


class IpAddress(models.Model):
    """An address of a logical server. One service address per server, one shared per tag."""

    server = models.ForeignKey(LogicalServer, on_delete=models.PROTECT, related_name="ips")
    ip = models.GenericIPAddressField()
    kind = models.CharField(max_length=10, choices=IpKind.choices)
    tag = models.IntegerField(default=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server"], condition=Q(kind="service"), name="one_service_ip"),
            models.UniqueConstraint(
                fields=["server", "tag"], condition=Q(kind="shared"), name="one_shared_ip_per_tag"
            ),
        ]

    def __str__(self) -> str:
        return self.ip
