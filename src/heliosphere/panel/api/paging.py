"""Pages of a list: limit and offset, with the count of all rows that match."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

from django.db.models import Q, QuerySet
from ninja import Query, Schema
from pydantic import Field

LARGEST_PAGE = 200


class Paging(Schema):
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 50
    offset: Annotated[int, Field(ge=0, le=10**9)] = 0


class Filters(Paging):
    """`q` looks for a text, `state` for a state; what they look at is said at each call."""

    q: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")] = ""
    state: Annotated[str, Field(max_length=20, pattern=r"^[a-z]*$")] = ""


Asked = Annotated[Filters, Query()]


def page(
    rows: QuerySet[Any],
    asked: Filters,
    shown: Callable[[Any], Any],
    *,
    text: Iterable[str] = (),
    state: str = "",
) -> dict[str, Any]:
    """One page of `rows`, searched in the `text` columns and filtered by the `state` column."""
    if asked.q and text:
        wanted = Q()
        for column in text:
            wanted |= Q(**{f"{column}__icontains": asked.q})
        rows = rows.filter(wanted)
    if asked.state and state:
        rows = rows.filter(**{state: asked.state})
    items = [shown(row) for row in rows[asked.offset : asked.offset + asked.limit]]
    return {"items": items, "count": rows.count(), "limit": asked.limit, "offset": asked.offset}
