"""The vpopmail tree: formats on disk, idempotence, locks, crashes, suspension, quota counts."""

import contextlib
import multiprocessing
import os
import subprocess
from datetime import timedelta
from pathlib import Path

import cdblib
import pytest

from heliosphere.mta.adapters.files import atomic_files
from heliosphere.mta.adapters.store.maildir_usage import QuotaBook
from heliosphere.mta.adapters.store.vpopmail_tree import system_clock
from heliosphere.mta.store import (
    SUSPENDED,
    Refused,
    UserFlag,
    VpopmailTree,
    hash_password,
    verify_password,
)
from tests.mta.support import HASH, SECRET

CRYPT_OF_S3CRET_PASS = {
    "$1$": "$1$abcdefgh$RVUgdRD7pO6eBBp0ucgDW1",
    "$6$": "$6$abcdefgh$"
    "gPLGlu/CBL3aX.axmxNf.xPE2HjNVL50NNc3WVwy6.QmLfKDmC5BFgWt6nDNJgVy26ZuoNSkdk7fcCvpkxCrP/",
}


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


@pytest.mark.guide("VPOP-006")
def test_a_new_domain_is_in_every_file_the_originals_read(tree, tmp_path):
    root = tmp_path / "mail"
    home = root / "vpopmail" / "domains" / "one.test"
    assert lines_of(root / "qmail/control/rcpthosts") == ["one.test", "two.test"]
    assert lines_of(root / "qmail/control/virtualdomains") == ["one.test:one.test", "two.test:two.test"]
    assert lines_of(root / "qmail/control/me") == ["mx.one.test"]
    ids = f"{os.getuid()}:{os.getgid()}"
    assert lines_of(root / "qmail/users/assign")[0] == f"+one.test-:one.test:{ids}:{home}:-::"
    table = cdblib.Reader((root / "qmail/users/cdb").read_bytes())
    assert table.get(b"!one.test-") == f"one.test\0{ids.replace(':', chr(0))}\0{home}\0-\0".encode()
    assert os.readlink(root / "qmail/users/assign.cdb") == "cdb"
    assert "bounce-no-mailbox" in (home / ".qmail-default").read_text()


def test_vpasswd_and_its_cdb_say_the_same(tree):
    directory = tree.domain_dir("one.test")
    text = lines_of(directory / "vpasswd")
    assert [line.split(":")[0] for line in text] == ["alice", "bob", "postmaster"]
    assert text[0] == f"alice:{HASH}:1:0:alice:{directory / 'alice'}:NOQUOTA"
    table = cdblib.Reader((directory / "vpasswd.cdb").read_bytes())
    assert table.get(b"alice").decode() == text[0].removeprefix("alice:")


def test_the_cdb_tool_of_debian_reads_our_files(tree):
    found = subprocess.run(
        ["/usr/bin/cdb", "-q", str(tree.domain_dir("one.test") / "vpasswd.cdb"), "alice"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert found.stdout.decode().startswith(HASH)


@pytest.mark.guide("MAIL-FILES-014", "MAIL-FILES-015", "MAIL-FILES-016")
def test_domain_fifty_one_goes_to_morercpthosts(tree, tmp_path):
    for number in range(60):
        tree.add_domain(f"d{number:02}.test", HASH)
    control = tmp_path / "mail/qmail/control"
    assert len(lines_of(control / "rcpthosts")) == 50
    more = lines_of(control / "morercpthosts")
    assert len(more) == 12
    table = cdblib.Reader((control / "morercpthosts.cdb").read_bytes())
    assert all(table.get(name.encode()) == b"" for name in more)
    assert tree.remove_domain("d00.test")
    assert (len(lines_of(control / "rcpthosts")), len(lines_of(control / "morercpthosts"))) == (49, 12)


def test_doing_a_thing_twice_changes_once(tree):
    assert not tree.add_domain("ONE.test", "another hash")
    assert not tree.add_user("alice@one.test", "another hash")
    assert tree.find_user("alice@one.test").password_hash == HASH
    assert tree.add_domain_alias("one.test", "uno.test")
    assert not tree.add_domain_alias("one.test", "uno.test")
    assert tree.remove_domain_alias("uno.test")
    assert not tree.remove_domain_alias("uno.test")
    assert tree.change_user("alice@one.test", comment="Alice A.")
    assert not tree.change_user("alice@one.test", comment="Alice A.")
    assert tree.remove_user("alice@one.test")
    assert not tree.remove_user("alice@one.test")
    assert tree.remove_domain("one.test")
    assert not tree.remove_domain("one.test")


def test_an_alias_domain_reaches_the_mailboxes_of_the_real_one(tree):
    tree.add_domain_alias("one.test", "uno.test")
    assert tree.domains() == ["one.test", "two.test"]
    assert tree.domain_aliases("one.test") == ["uno.test"]
    assert tree.find_user("Alice@UNO.test").address == "alice@one.test"
    with pytest.raises(Refused):
        tree.add_domain("uno.test", HASH)
    tree.remove_domain("one.test")
    assert tree.real_domain("uno.test") is None


def test_removing_a_domain_leaves_nothing_behind(tree, tmp_path):
    tree.remove_domain("one.test")
    assert tree.find_user("alice@one.test") is None
    assert not (tmp_path / "mail/vpopmail/domains/one.test").exists()
    for name in ("rcpthosts", "virtualdomains"):
        assert "one.test" not in (tmp_path / "mail/qmail/control" / name).read_text()


def test_the_postmaster_cannot_be_removed(tree):
    with pytest.raises(Refused) as caught:
        tree.remove_user("postmaster@one.test")
    assert caught.value.code == "postmaster"


@pytest.mark.parametrize(
    "address", ["../../evil@one.test", "a/b@one.test", "vpasswd@one.test", ".x@one.test"]
)
def test_a_name_that_would_leave_the_domain_directory_is_refused(tree, address):
    with pytest.raises(Refused):
        tree.add_user(address, HASH)


def test_a_user_of_an_unknown_domain_is_refused(tree):
    with pytest.raises(Refused) as caught:
        tree.add_user("joe@nowhere.test", HASH)
    assert caught.value.code == "no-domain"


@pytest.mark.parametrize("times", [1, 3])
def test_suspension_closes_all_and_gives_back_what_each_had(tree, times):
    tree.change_user("bob@one.test", flags=UserFlag.NO_POP | UserFlag.V_USER1)
    before = {user.address: user.flags for user in tree.users("one.test")}
    for _ in range(times):
        tree.suspend_domain("one.test")
    assert tree.is_suspended("one.test")
    assert not tree.is_suspended("two.test")
    for user in tree.users("one.test"):
        assert user.flags & SUSPENDED == SUSPENDED
        assert user.own_flags == before[user.address]
    assert tree.find_user("carol@two.test").flags == 0
    for _ in range(times):
        tree.resume_domain("one.test")
    assert {user.address: user.flags for user in tree.users("one.test")} == before
    assert not tree.is_suspended("one.test")


def test_changes_made_while_suspended_count_when_it_resumes(tree):
    tree.suspend_domain("one.test")
    tree.add_user("new@one.test", HASH, flags=UserFlag.NO_IMAP)
    tree.change_user("alice@one.test", flags=UserFlag.NO_SMTP)
    tree.remove_user("bob@one.test")
    assert tree.find_user("new@one.test").flags & SUSPENDED == SUSPENDED
    assert tree.find_user("alice@one.test").flags == SUSPENDED | UserFlag.NO_SMTP
    tree.resume_domain("one.test")
    assert tree.find_user("new@one.test").flags == UserFlag.NO_IMAP
    assert tree.find_user("alice@one.test").flags == UserFlag.NO_SMTP


def test_a_crash_while_suspending_forgets_nobodys_flags(tree, monkeypatch):
    tree.change_user("bob@one.test", flags=UserFlag.NO_POP)
    real = atomic_files.os.rename
    for survive in range(6):
        left = [survive]

        def rename(source, target, left=left):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            real(source, target)

        monkeypatch.setattr(atomic_files.os, "rename", rename)
        for act in (tree.suspend_domain, tree.resume_domain):
            try:
                act("one.test")
            except KeyboardInterrupt:
                break
        monkeypatch.setattr(atomic_files.os, "rename", real)
        tree.suspend_domain("one.test")
        tree.resume_domain("one.test")
        assert [int(user.flags) for user in tree.users("one.test")] == [0, UserFlag.NO_POP, 0]


def test_a_crash_while_adding_a_domain_is_completed_by_the_next_try(tmp_path, monkeypatch):
    real = os.rename
    for survive in range(12):
        tree = VpopmailTree(tmp_path / f"mail{survive}")
        tree.ensure_layout("mx.one.test")
        left = [survive]

        def rename(source, target, left=left):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            real(source, target)

        monkeypatch.setattr(atomic_files.os, "rename", rename)
        with contextlib.suppress(KeyboardInterrupt):
            tree.add_domain("shop.test", HASH)
        monkeypatch.setattr(atomic_files.os, "rename", real)
        if tree.qmail.accepts("shop.test"):
            assert tree.find_user("postmaster@shop.test") is not None
        tree.add_domain("shop.test", HASH)
        assert tree.find_user("postmaster@shop.test") is not None
        assert tree.qmail.accepts("shop.test")
        table = cdblib.Reader((tmp_path / f"mail{survive}/qmail/users/cdb").read_bytes())
        assert table.get(b"!shop.test-") is not None


def _add_many(root: Path, start: int) -> None:
    tree = VpopmailTree(root)
    for number in range(start, start + 20):
        tree.add_user(f"u{number}@one.test", "x")
        tree.add_domain(f"n{number}.test", "x")


def test_two_processes_never_lose_each_others_changes(tree, tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add_many, args=(tmp_path / "mail", start)) for start in (100, 200)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert len(tree.users("one.test")) == 43
    assert len(tree.domains()) == 42


def test_a_changed_file_is_seen_at_once_by_another_reader(tree, tmp_path):
    other = VpopmailTree(tmp_path / "mail")
    assert other.find_user("alice@one.test").comment == "alice"
    for number in range(20):
        tree.change_user("alice@one.test", comment=f"Alice {number}")
        assert other.find_user("alice@one.test").comment == f"Alice {number}"


def test_a_vpasswd_newer_than_its_cdb_wins(tree):
    directory = tree.domain_dir("one.test")
    path = directory / "vpasswd"
    path.write_text(path.read_text().replace(":alice:", ":Edited by hand:"))
    later = (directory / "vpasswd.cdb").stat().st_mtime + 5
    os.utime(path, (later, later))
    assert tree.find_user("alice@one.test").comment == "Edited by hand"


def test_a_tree_moved_elsewhere_still_works(tree, tmp_path):
    os.rename(tmp_path / "mail", tmp_path / "moved")
    moved = VpopmailTree(tmp_path / "moved")
    assert (
        moved.find_user("alice@one.test").maildir
        == tmp_path / "moved/vpopmail/domains/one.test/alice/Maildir"
    )


def test_usage_counts_messages_and_forgets_the_trash(tree):
    maildir = tree.find_user("alice@one.test").maildir
    (maildir / "new" / "1.2.host,S=100").write_text("x")
    (maildir / "cur" / "2.2.host:2,S").write_text("12345")
    (maildir / "cur" / "3.2.host,S=7:2,ST").write_text("thrown away")
    (maildir / ".Trash" / "cur").mkdir(parents=True)
    (maildir / ".Trash" / "cur" / "4.2.host,S=9:2,").write_text("x")
    (maildir / ".Sent" / "cur").mkdir(parents=True)
    (maildir / ".Sent" / "cur" / "5.2.host,S=1000:2,S").write_text("x")
    assert tree.usage("alice@one.test") == (1105, 3)
    tree.change_user("alice@one.test", quota_bytes=5000)
    assert (maildir / "maildirsize").read_text() == "5000S\n1105 3\n"
    assert tree.usage("alice@one.test") == (1105, 3)


def test_a_quota_makes_its_maildirsize_at_once(tree):
    tree.add_user("dora@one.test", HASH, quota_bytes=5_242_880)
    user = tree.find_user("dora@one.test")
    assert (user.maildir / "maildirsize").read_text() == "5242880S\n0 0\n"
    assert (user.maildir / "maildirsize").stat().st_mode & 0o777 == 0o600
    for path in (user.home, user.maildir, user.maildir / "new"):
        assert path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("hashed", CRYPT_OF_S3CRET_PASS.values(), ids=CRYPT_OF_S3CRET_PASS)
def test_hashes_of_the_original_tools_verify(hashed):
    assert verify_password("s3cret-pass", hashed)
    assert not verify_password("s3cret-pass ", hashed)


def test_our_own_hash_is_sha512_and_salted():
    one, two = hash_password(SECRET), hash_password(SECRET)
    assert one.startswith("$6$")
    assert one != two
    assert verify_password(SECRET, one)


def test_argon2_verifies_when_the_prefix_says_so():
    import argon2

    hashed = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(SECRET)
    assert verify_password(SECRET, hashed)
    assert not verify_password("wrong", hashed)


@pytest.mark.parametrize(
    "hashed", ["", "*", "!", "x", "$6$", "$9$abc$def", "$argon2id$broken", "abrTA66eJHxDk"]
)
def test_no_password_matches_a_hash_of_no_known_kind(hashed):
    assert not verify_password("s3cret-pass", hashed)
    assert not verify_password("", hashed)


def test_mail_removed_behind_our_back_makes_room_again(tree):
    """The count is made anew before a refusal, once no delivery can be on its way any more."""
    tree.change_user("alice@one.test", quota_bytes=1000)
    user = tree.find_user("alice@one.test")
    book = QuotaBook(user.maildir, user.quota)
    now = system_clock()
    assert book.reserve(900, 900, now)
    assert not book.reserve(900, 900, now)
    assert book.reserve(900, 900, now + timedelta(seconds=60))  # the first one never arrived
    assert (user.maildir / "maildirsize").read_text() == "1000S\n0 0\n900 1\n"
