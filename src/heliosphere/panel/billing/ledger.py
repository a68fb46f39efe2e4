"""The only writer of the ledger: balanced entries, each at most once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from heliosphere.panel.accounts.models import Account
from heliosphere.panel.billing.models import Book, BookKind, Entry, Posting


class Unbalanced(RuntimeError):
    """A bug: postings that do not sum to zero never reach the ledger."""


@transaction.atomic
def post(
    account: Account, *, kind: str, memo: str, key: str, amounts: dict[BookKind, int], now: datetime
) -> Entry:
    """Write an entry with these amounts per book (debit positive). The same key again: nothing new."""
    if sum(amounts.values()) != 0:
        raise Unbalanced(f"{key}: {amounts}")
    entry, is_new = Entry.everything.get_or_create(
        key=key,
        defaults={
            "provider_id": account.provider_id,
            "account": account,
            "at": now,
            "kind": kind,
            "memo": memo,
        },
    )
    if is_new:
        Posting.objects.bulk_create(
            Posting(entry=entry, book=_book(account, book), amount_minor=amount)
            for book, amount in amounts.items()
            if amount
        )
    return entry


def _book(account: Account, kind: BookKind) -> Book:
    owner = account if kind == BookKind.CUSTOMER else None
    return Book.everything.get_or_create(
        provider_id=account.provider_id, kind=kind, account=owner, currency=account.currency
    )[0]


def balance_minor(account: Account) -> int:
    """What the account has: negative is a debt (charges lower it, payments raise it)."""
    owed = Posting.objects.filter(book__account=account, book__kind=BookKind.CUSTOMER).aggregate(
        n=Sum("amount_minor")
    )["n"]
    return -(owed or 0)


def unbalanced_entries() -> list[int]:
    """Entries whose postings do not sum to zero. Always empty; `heliosphere doctor` looks."""
    rows = Entry.everything.annotate(total=Sum("postings__amount_minor")).exclude(total=0)
    return list(rows.exclude(total__isnull=True).values_list("pk", flat=True))
