"""clamavclients and spamdclients: text, cdb, and what a damaged one means."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.adapters.files.cdb_files import cdb_bytes, write_cdb
from heliosphere.mta.adapters.files.filter_clients import (
    FilterClients,
    LineProblem,
    check_client_text,
    compile_clients,
    listed_clients,
    set_client,
)
from heliosphere.mta.rules.content.policy import SpamAction, SpamPolicy, VirusAction, VirusPolicy
from heliosphere.mta.rules.errors import Refused, TryLater
from tests.mta.content.samples import at

LISTS = ("clamavclients", "spamdclients")


def found(clients, which, address):
    look = clients.virus_policy if which == "clamavclients" else clients.spam_policy
    return look(at(address))


@pytest.mark.parametrize("which", LISTS)
def test_nobody_is_enrolled_without_a_file(tmp_path, which):
    assert found(FilterClients(tmp_path), which, "bob@one.test") is None


def test_the_whole_address_comes_before_its_domain(tmp_path):
    (tmp_path / "spamdclients").write_text(
        "# wishes\n\n@One.test action=mark\nBob@one.test   action=move  folder=Junk  \n@two.test\n"
    )
    assert compile_clients(tmp_path, "spamdclients") == 3
    clients = FilterClients(tmp_path)
    assert clients.spam_policy(at("BOB@ONE.test")) == SpamPolicy(SpamAction.MOVE, "Junk")
    assert clients.spam_policy(at("anna@one.test")) == SpamPolicy(SpamAction.MARK)
    assert clients.spam_policy(at("anna@two.test")) == SpamPolicy()
    assert clients.spam_policy(at("anna@sub.one.test")) is None
    assert clients.virus_policy(at("bob@one.test")) is None


def test_a_change_is_seen_by_the_next_message(tmp_path):
    clients = FilterClients(tmp_path)
    assert clients.virus_policy(at("bob@one.test")) is None
    set_client(tmp_path, "clamavclients", "bob@one.test", VirusPolicy())
    assert clients.virus_policy(at("bob@one.test")) == VirusPolicy()
    set_client(tmp_path, "clamavclients", "bob@one.test", VirusPolicy(VirusAction.REMOVE))
    assert clients.virus_policy(at("bob@one.test")) == VirusPolicy(VirusAction.REMOVE)
    set_client(tmp_path, "clamavclients", "Bob@one.test", None)
    assert clients.virus_policy(at("bob@one.test")) is None
    (tmp_path / "clamavclients.cdb").unlink()
    assert clients.virus_policy(at("bob@one.test")) is None


def test_a_change_of_one_entry_keeps_the_rest_of_the_text(tmp_path):
    text = tmp_path / "spamdclients"
    text.write_text("# by hand\nanna@one.test action=remove\n\nbob@one.test\n")
    set_client(tmp_path, "spamdclients", "bob@one.test", SpamPolicy(SpamAction.MOVE, max_score=7))
    assert text.read_text() == (
        "# by hand\nanna@one.test action=remove\n\nbob@one.test v1 action=move folder=Spam max_score=7\n"
    )
    assert listed_clients(tmp_path, "spamdclients") == {
        "anna@one.test": "action=remove", "bob@one.test": "v1 action=move folder=Spam max_score=7",
    }  # fmt: skip
    set_client(tmp_path, "spamdclients", "nobody@one.test", None)
    set_client(tmp_path, "spamdclients", "anna@one.test", None)
    assert set(listed_clients(tmp_path, "spamdclients")) == {"bob@one.test"}


def test_every_bad_line_is_named_and_the_former_list_stays_in_force(tmp_path):
    text = tmp_path / "spamdclients"
    text.write_text("bob@one.test action=move\n")
    compile_clients(tmp_path, "spamdclients")
    text.write_text(
        "bob@one.test\n# fine\none.test\nanna@one.test action=fly\nBOB@one.test action=mark\na b@one.test\n"
    )
    with pytest.raises(Refused) as refusal:
        compile_clients(tmp_path, "spamdclients")
    assert check_client_text("spamdclients", text.read_text()) == [
        LineProblem(3, "one.test: write user@domain, or @domain for all of it"),
        LineProblem(4, "action=fly: one of mark, move, remove, reject"),
        LineProblem(5, "bob@one.test is in line 1 already"),
        LineProblem(6, "a: write user@domain, or @domain for all of it"),
    ]
    assert "spamdclients line 4: action=fly" in str(refusal.value)
    assert FilterClients(tmp_path).spam_policy(at("bob@one.test")) == SpamPolicy(SpamAction.MOVE)


@pytest.mark.parametrize("address", ["one.test", "@", "bob@", "a b@one.test", "a@b@", ""])
def test_an_address_that_is_none_is_not_enrolled(tmp_path, address):
    with pytest.raises(Refused):
        set_client(tmp_path, "clamavclients", address, VirusPolicy())
    assert not (tmp_path / "clamavclients.cdb").exists()


DAMAGED = {
    "empty": b"",
    "cut short": cdb_bytes([(b"@one.test", b"")])[:-9],
    "nonsense": b"\xff" * 4096,
    "policy of the future": cdb_bytes([(b"@one.test", b"v9 action=mark")]),
    "policy that is no text": cdb_bytes([(b"@one.test", b"\xff\xfe")]),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("which", LISTS)
def test_a_damaged_list_never_means_not_enrolled(tmp_path, which, data):
    clients = FilterClients(tmp_path)
    assert found(clients, which, "bob@one.test") is None
    (tmp_path / f"{which}.cdb").write_bytes(data)
    for _ in range(2):
        with pytest.raises(TryLater):
            found(clients, which, "bob@one.test")
    write_cdb(tmp_path / f"{which}.cdb", [(b"@one.test", b"")])
    assert found(clients, which, "bob@one.test") is not None


@given(data=st.binary(max_size=3000))
def test_any_bytes_are_a_list_or_a_clear_error(tmp_path_factory, data):
    control = tmp_path_factory.mktemp("control")
    (control / "spamdclients.cdb").write_bytes(data)
    try:
        assert FilterClients(control).spam_policy(at("bob@one.test")) is None
    except TryLater as trouble:
        assert "spamdclients.cdb" in str(trouble)  # noqa: PT017


def test_files_can_be_read_by_the_engine_whoever_wrote_them(tmp_path):
    set_client(tmp_path, "clamavclients", "@one.test", VirusPolicy())
    for name in ("clamavclients", "clamavclients.cdb"):
        assert os.stat(tmp_path / name).st_mode & 0o777 == 0o644
