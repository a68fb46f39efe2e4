"""Rows belong to a provider. `Model.objects.of(principal)` is the way to them; there is no plain `.all()`.

`Model.everything` exists for Django itself and for programs that serve all providers; a test lists
the modules that may say it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Self, TypeVar

from django.db import models

from heliosphere.panel.platform.errors import NotYours
from heliosphere.panel.platform.principal import Principal

M = TypeVar("M", bound=models.Model)


class UnscopedQuery(RuntimeError):
    """A bug: rows of providers were asked for without saying who asks."""


class TenantManager(models.Manager[M], Generic[M]):
    """Gives rows only to a named principal."""

    def get_queryset(self) -> models.QuerySet[M]:
        raise UnscopedQuery(f"{self.model.__name__}.objects needs .of(principal)")

    def of(self, principal: Principal) -> models.QuerySet[M]:
        """What `principal` may see: all (system), a provider's rows (staff), an account's rows (customer)."""
        rows: models.QuerySet[M] = super().get_queryset()
        if principal.role == "system":
            return rows
        if principal.provider_id is None:
            return rows.none()
        rows = rows.filter(provider_id=principal.provider_id)
        if principal.is_staff:
            return rows
        path = getattr(self.model, "account_path", "")
        if not path or principal.account_id is None:
            return rows.none()
        return rows.filter(**{path: principal.account_id})

    def one(self, principal: Principal, **key: Any) -> M:
        """The row with this key, or NotYours: whether it exists elsewhere is not told."""
        row = self.of(principal).filter(**key).first()
        if row is None:
            raise NotYours()
        return row

    def locked(self, principal: Principal, **key: Any) -> M:
        """Like `one`, held until the transaction ends."""
        row = self.of(principal).select_for_update(of=("self",)).filter(**key).first()
        if row is None:
            raise NotYours()
        return row

    def create(self, **fields: Any) -> M:
        row = self.model(**fields)
        row.save(force_insert=True)
        return row


class TenantRows(models.Model):
    """The two ways to rows that providers share. `account_path` leads to the owning account's id."""

    account_path = ""

    objects: ClassVar[TenantManager[Self]] = TenantManager()
    everything: models.Manager[Self] = models.Manager()  # type: ignore[no-redef]

    class Meta:
        abstract = True
        default_manager_name = "everything"
        base_manager_name = "everything"


class TenantModel(TenantRows):
    """A row of one provider."""

    provider = models.ForeignKey("accounts.Provider", on_delete=models.PROTECT, related_name="+")

    class Meta(TenantRows.Meta):
        abstract = True
