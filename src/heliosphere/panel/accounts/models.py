"""Provider, user, account: a user signs in, an account is one plan with its own balance, a provider sells."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.platform.tenancy import TenantModel


class Provider(models.Model):
    """Who sells: the owner of the installation (no parent), or a reseller."""

    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="resellers")
    name = models.CharField(max_length=150)
    currency = models.CharField(max_length=3, default="EUR")
    email = models.EmailField()
    address = models.CharField(max_length=255, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    website = models.URLField(blank=True)
    checks_info = models.TextField(blank=True)
    accept_checks = models.BooleanField(default=True)
    accept_cards = models.BooleanField(default=False)
    service_zone = models.CharField(max_length=253)
    default_skin = models.CharField(max_length=20, blank=True)
    language = models.CharField(max_length=10, default="en")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @property
    def is_owner(self) -> bool:
        return self.parent_id is None


class UserManager(BaseUserManager["User"]):
    """Finds users by login; creating them is a service."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(login__iexact=username)


class User(AbstractBaseUser):
    """A login and a password. What it may do comes from its accounts."""

    login = models.CharField(max_length=64, unique=True)
    email = models.EmailField()
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="users")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    preferences = models.JSONField(default=dict)

    USERNAME_FIELD = "login"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.login

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Rights come from the principal, never from here."""
        return False


class AccountKind(models.TextChoices):
    ADMIN = "admin", _("administrator")
    RESELLER = "reseller", _("reseller")
    USER = "user", _("customer")


class AccountState(models.TextChoices):
    ACTIVE = "active", _("active")
    SUSPENDED = "suspended", _("suspended")
    DELETED = "deleted", _("deleted")


class Account(TenantModel):
    """One plan in use. Its number (the id) is what staff and invoices call it."""

    account_path = "id"

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="accounts")
    kind = models.CharField(max_length=10, choices=AccountKind.choices, default=AccountKind.USER)
    plan = models.ForeignKey("catalog.Plan", null=True, on_delete=models.PROTECT, related_name="accounts")
    period = models.ForeignKey("catalog.PlanPeriod", null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=AccountState.choices, default=AccountState.ACTIVE)
    currency = models.CharField(max_length=3)
    credit_limit_minor = models.BigIntegerField(default=0)
    period_begin = models.DateField(null=True)
    period_end = models.DateField(null=True)
    created_at = models.DateTimeField()
    suspended_at = models.DateTimeField(null=True)
    suspend_agent = models.CharField(max_length=20, blank=True)
    suspend_reason = models.CharField(max_length=300, blank=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["provider", "state", "-id"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.user.login}"

    @property
    def is_suspended(self) -> bool:
        return self.state == AccountState.SUSPENDED


class ContactInfo(TenantModel):
    """Name and address of an account's holder. A change makes a new row: invoices keep the old one."""

    account_path = "account_id"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="contacts")
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80)
    company = models.CharField(max_length=120, blank=True)
    address = models.CharField(max_length=200)
    city = models.CharField(max_length=100)
    state = models.CharField(max_length=100, blank=True)
    postal_code = models.CharField(max_length=20)
    country = models.CharField(max_length=2)
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}"


class ApiToken(TenantModel):
    """Lets a program act as its user, within scopes. Only a fingerprint of the token is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    fingerprint = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
