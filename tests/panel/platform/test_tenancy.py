"""No query without a principal: by the manager at run time, by a look at the source beforehand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import heliosphere.panel
from heliosphere.panel.accounts.models import Account
from heliosphere.panel.platform.errors import NotYours
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.platform.tenancy import UnscopedQuery
from tests.panel.conftest import SYSTEM, House, open_customer

PANEL = Path(heliosphere.panel.__file__).parent
EDGES = re.compile(r"(views|forms|tables|filters|api/\w+|templatetags/\w+)\.py$")


def test_a_query_that_names_nobody_is_a_bug_and_says_so(db):
    with pytest.raises(UnscopedQuery):
        Account.objects.all()
    with pytest.raises(UnscopedQuery):
        Account.objects.filter(pk=1)


def test_pages_and_api_never_look_past_the_principal():
    edges = [path for path in PANEL.rglob("*.py") if EDGES.search(str(path))]
    assert len(edges) > 20
    assert [str(path) for path in edges if ".everything" in path.read_text()] == []


def test_who_sees_what(house: House):
    account = open_customer(house)
    anna = Principal("customer", "anna", house.provider.pk, account.user_id, account.pk)
    stranger = Principal("customer", "x", house.provider.pk, 999, account.pk + 1)
    visitor = Principal("visitor", "visitor")
    reader = {
        who.label: Account.objects.of(who).filter(kind="user").count() for who in (SYSTEM, house.admin, anna)
    }
    assert reader == {"test": 1, "admin": 1, "anna": 1}
    assert not Account.objects.of(stranger).exists()
    assert not Account.objects.of(visitor).exists()
    with pytest.raises(NotYours):
        Account.objects.one(stranger, pk=account.pk)
