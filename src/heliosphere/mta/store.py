"""The store as other programs may use it: the vpopmail tree, its names, flags and passwords.

The node agent imports this module and no other of the mail engine.
"""

from heliosphere.mta.adapters.files.filter_clients import compile_clients, listed_clients, set_client
from heliosphere.mta.adapters.store.passwords import hash_password, verify_password
from heliosphere.mta.adapters.store.vpopmail_tree import VpopmailTree, VUser
from heliosphere.mta.rules.errors import Refused, TryLater
from heliosphere.mta.rules.store.flags import SUSPENDED, UserFlag
from heliosphere.mta.rules.store.names import why_not_domain, why_not_user
from heliosphere.mta.rules.store.quota import Quota, parse_quota

__all__ = [
    "SUSPENDED",
    "Quota",
    "Refused",
    "TryLater",
    "UserFlag",
    "VUser",
    "VpopmailTree",
    "compile_clients",
    "hash_password",
    "listed_clients",
    "parse_quota",
    "set_client",
    "verify_password",
    "why_not_domain",
    "why_not_user",
]
