"""Every file format is read back as written, and no input makes a reader crash."""

import contextlib
import io

import cdblib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.adapters.files.cdb_files import Cdb, cdb_bytes
from heliosphere.mta.rules.errors import Refused, TryLater
from heliosphere.mta.rules.store.names import why_not_domain, why_not_user
from heliosphere.mta.rules.store.quota import Quota, Usage, is_over, parse_quota, percent_used
from heliosphere.mta.wire import assign, maildirsize, vpasswd
from heliosphere.mta.wire.assign import Assignment
from heliosphere.mta.wire.vpasswd import VpasswdLine

FIELD = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters=":\x7f"), max_size=20)
LINES = st.builds(
    VpasswdLine,
    name=FIELD.filter(bool),
    password_hash=FIELD,
    uid=st.integers(0, 9),
    gid=st.integers(0, 2**20),
    gecos=FIELD,
    directory=FIELD,
    quota=FIELD,
    clear=st.none() | FIELD,
)


@given(st.lists(LINES, unique_by=lambda line: line.name))
def test_vpasswd_is_read_back_as_written(lines):
    assert vpasswd.parse(vpasswd.render(lines)) == {line.name: line for line in lines}


@given(st.text())
def test_no_vpasswd_text_is_too_strange_to_read(text):
    for name, line in vpasswd.parse(text).items():
        assert line.name == name


def test_a_vpasswd_line_with_five_colons_is_skipped():
    assert vpasswd.parse_line("joe:hash:1:0:Joe:/home") is None


def test_a_vpasswd_line_of_the_original_tools_is_understood():
    line = vpasswd.parse_line("alice:$6$LAv5G2tZ$x:1:2052:Alice A.:/v/domains/shop.test/alice:5242880S,100C")
    assert line is not None
    assert (line.gid, line.quota, line.clear) == (2052, "5242880S,100C", None)


def test_a_colon_in_a_comment_is_refused_and_not_written():
    with pytest.raises(Refused):
        vpasswd.render([VpasswdLine("joe", "x", 1, 0, "a:b", "/home", "NOQUOTA")])


@given(st.binary())
def test_no_maildirsize_is_too_strange_to_read(data):
    found = maildirsize.parse(data)
    assert found is None or found.used.bytes >= 0


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 99)), max_size=30))
def test_maildirsize_sums_its_lines(changes):
    data = maildirsize.render(Quota(bytes=5), Usage()) + b"".join(maildirsize.row(*one) for one in changes)
    found = maildirsize.parse(data)
    assert found is not None
    assert found.used == Usage(sum(one[0] for one in changes), sum(one[1] for one in changes))


def test_the_worked_example_of_maildirsize():
    found = maildirsize.parse(b"10485760S,1000C\n2210 1\n512 1\n-2210 -1\n")
    assert found is not None
    assert (found.used, found.quota) == (Usage(512, 1), Quota(10485760, 1000))
    assert is_over(found.used, Quota(bytes=512), 1)
    assert not is_over(found.used, Quota(bytes=513), 1)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("2000000", "2000000S"), ("1K", "1024S"), ("2kb", "2048S"), ("10M", "10485760S"),
        ("5M,100C", "5242880S,100C"), ("100C", "100C"), ("noquota", "NOQUOTA"), ("0", "NOQUOTA"),
        ("1G", "1073741824S"), ("5M;100C", "5242880S,100C"),
    ],
)  # fmt: skip
def test_quota_strings_as_operators_type_them(typed, stored):
    assert str(parse_quota(typed)) == stored


def test_a_quota_with_an_unknown_unit_is_refused():
    assert parse_quota("12X") is None


def test_percent_is_that_of_the_fuller_limit():
    assert percent_used(Usage(5242880, 990), Quota(10485760, 1000)) == 99


@given(st.dictionaries(st.binary(max_size=20), st.binary(max_size=50), max_size=20))
def test_a_cdb_gives_back_each_record(records):
    data = cdb_bytes(records.items())
    table = Cdb(data)
    assert all(table.get(key) == value for key, value in records.items())
    assert dict(cdblib.Reader(data)) == records


def test_a_cdb_has_the_bytes_of_the_original_writer():
    data = cdb_bytes([(b"one", b"Hello")])
    assert len(data) == 2080
    assert data[1032:1040] == bytes.fromhex("1008000002000000")
    assert data[2048:] == bytes.fromhex("03000000050000006f6e6548656c6c6f0000000000000000815b870b00080000")


@given(st.integers(0, 2079))
def test_a_cdb_cut_short_is_trouble_and_never_an_empty_answer(length):
    data = cdb_bytes([(b"one", b"Hello")])[:length]
    with pytest.raises(TryLater):
        Cdb(data).get(b"one")


@given(st.binary(min_size=2048, max_size=2200))
def test_a_cdb_of_noise_is_trouble_or_has_no_record(data):
    with contextlib.suppress(TryLater):
        Cdb(data).get(b"one")


def test_users_cdb_has_the_records_of_qmail_newu():
    line = Assignment("example.test-", "example.test", 89, 89, "/var/vpopmail/domains/example.test")
    text = assign.render([line])
    assert text == "+example.test-:example.test:89:89:/var/vpopmail/domains/example.test:-::\n.\n"
    (key, value), last = assign.records(assign.parse(text))
    assert (key, len(value), last) == (b"!example.test-", 56, (b"", b"-"))


@pytest.mark.parametrize("text", ["", "+a:b\n.\n", "+a:b:1:1:/h:-::\n", "?a:b:1:1:/h:-::\n.\n"])
def test_a_malformed_assign_is_refused_as_a_whole(text):
    with pytest.raises(Refused):
        assign.parse(text)


@given(st.text())
def test_assign_is_read_or_refused(text):
    with contextlib.suppress(Refused):
        assign.parse(text)


@pytest.mark.parametrize(
    "name",
    ["a", "nodot", "x..test", ".lead.test", "x-.test", "-x.test", "bad_domain.test", "a.b", "x.1", "é.test",
     "a" * 94 + ".test", "a.test\n", "1.2.3.44"],
)  # fmt: skip
def test_a_malformed_domain_name_is_refused(name):
    assert why_not_domain(name)


@pytest.mark.parametrize("name", ["shop.test", "SHOP.test", "a-b.c.test", "xn--bcher-kva.test", "1.test"])
def test_a_good_domain_name_passes(name):
    assert why_not_domain(name) is None


@pytest.mark.parametrize(
    "name", ["", "a/b", "..", ".qmail", "vpasswd", "a b", "a:b", "é", "a" * 65, "a@b", "a\0"]
)
def test_a_bad_mailbox_name_is_refused(name):
    assert why_not_user(name)


@pytest.mark.parametrize("name", ["joe", "Joe.Smith", "a+b", "x_y~z", "a-b"])
def test_a_good_mailbox_name_passes(name):
    assert why_not_user(name) is None


def test_cdblib_is_the_reference_reader():
    assert cdblib.Reader(io.BytesIO(cdb_bytes([(b"k", b"v")])).getvalue()).get(b"k") == b"v"
