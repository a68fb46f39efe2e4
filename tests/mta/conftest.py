"""What mail engine tests share: a tree with two domains."""

import pytest
from hypothesis import settings

from heliosphere.mta.store import VpopmailTree
from tests.mta.support import HASH

# Examples are small; a deadline would only measure how busy the machine is.
settings.register_profile("mta", deadline=None)
settings.load_profile("mta")


@pytest.fixture
def tree(tmp_path):
    """one.test with alice and bob, two.test with carol; postmasters everywhere. Password: SECRET."""
    tree = VpopmailTree(tmp_path / "mail")
    tree.ensure_layout("mx.one.test")
    for domain, users in {"one.test": ("alice", "bob"), "two.test": ("carol",)}.items():
        tree.add_domain(domain, HASH)
        for user in users:
            tree.add_user(f"{user}@{domain}", HASH)
    return tree
