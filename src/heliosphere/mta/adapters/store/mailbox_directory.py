"""Who lives here: control lists, the vpopmail tree and .qmail files, put together."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import stat
from pathlib import Path

from heliosphere.contracts.controls import common, smtpd
from heliosphere.contracts.controls.registry import Snapshot
from heliosphere.mta.adapters.files.atomic_files import file_stamp, read_or_none
from heliosphere.mta.adapters.files.cdb_files import Cdb
from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.store.maildir_usage import QuotaBook
from heliosphere.mta.adapters.store.passwords import DUMMY_HASH, verify_password
from heliosphere.mta.adapters.store.vpopmail_tree import VpopmailTree, VUser
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.scram import ScramKeys, keys_of
from heliosphere.mta.rules.store.dot_qmail import Instructions, default_action, read_instructions
from heliosphere.mta.rules.store.flags import Service, UserFlag, why_not_service
from heliosphere.mta.rules.store.quota import Quota, percent_used
from heliosphere.mta.rules.store.routing import AcceptTable, DomainTable, MailboxTarget, Resolution, Standing
from heliosphere.mta.services.ports import Clock, SignInRefused

_ABSENT = Resolution(Standing.ABSENT)
_NO_CATCHALL = Resolution(Standing.ABSENT, detail="the catch-all of the domain is switched off here")
_NOBODYS = secrets.token_hex(16)
"""Compared instead of a password that is not there, so that an answer takes as long."""
_DISCARDS = Resolution(Standing.DISCARDS)


class MailboxDirectory:
    """The Directory and SignInDesk ports."""

    def __init__(self, tree: VpopmailTree, controls: ControlFiles, clock: Clock) -> None:
        self._tree, self._controls, self._clock = tree, controls, clock
        self._built_from: Snapshot | None = None
        self._me = ""
        self._has_rcpthosts = False
        self._has_catchall = True
        self._salt_key = secrets.token_bytes(16)
        self._domains = DomainTable((), (), "")
        self._accepts = AcceptTable(())
        self._more: tuple[object, Cdb | None] = (None, None)

    # Domains

    def accepts(self, domain: str) -> bool:
        self._refresh()
        domain = domain or self._me
        if self._accepts.accepts(domain):
            return True
        more = self._more_table() if self._has_rcpthosts else None
        if more is None:
            return False
        return more.get(domain.encode("utf-8", "surrogateescape")) is not None

    def is_local(self, address: Address) -> bool:
        self._refresh()
        return self._domains.is_local(self._with_domain(address))

    def real_domain(self, domain: str) -> str | None:
        return self._tree.real_domain(domain)

    def refresh(self) -> None:
        """Look whether controls changed. Each session and each delivery begins with it; single look-ups
        then go by what was read."""
        self._controls.snapshot()

    def _refresh(self) -> None:
        snapshot = self._controls.current()
        if snapshot is self._built_from:
            return
        self._me = (snapshot[common.ME] or "").lower()
        self._domains = DomainTable(snapshot[common.LOCALS], snapshot[common.VIRTUALDOMAINS], self._me)
        rcpthosts = snapshot[smtpd.RCPTHOSTS]
        self._has_rcpthosts = rcpthosts is not None
        # Without rcpthosts qmail would relay for everybody; here only what is held here is accepted.
        self._accepts = AcceptTable(self._domains.domains() if rcpthosts is None else rcpthosts)
        self._has_catchall = snapshot[common.CATCHALL]
        self._built_from = snapshot

    def _more_table(self) -> Cdb | None:
        path = self._tree.qmail.control / "morercpthosts.cdb"
        stamp = file_stamp(path)
        if stamp != self._more[0]:
            data = read_or_none(path)
            self._more = (stamp, Cdb(data, "morercpthosts.cdb") if data is not None else None)
        return self._more[1]

    def _with_domain(self, address: Address) -> Address:
        return address if address.domain else Address(address.local, self._me)

    # Addresses

    def resolve(self, address: Address) -> Resolution:
        """As qmail-local and vdelivermail would: .qmail-NAME, .qmail-…-default, the mailbox, the rest."""
        self._refresh()
        address = self._with_domain(address)
        directory = self._tree.domain_dir(address.domain)
        if directory is None:
            return _ABSENT
        local = address.local.lower()
        if "/" in local or "\0" in local:
            return _ABSENT
        for name in _extension_files(local):
            text = _read_dot_qmail(directory / name)
            if text is not None:
                return self._follow(read_instructions(text), directory, None)
        user = self._tree.find_user(f"{local}@{address.domain}")
        if user is not None:
            return self._resolve_user(user)
        return self._resolve_default(directory)

    def _resolve_user(self, user: VUser) -> Resolution:
        if user.flags & UserFlag.BOUNCE_MAIL:
            return Resolution(Standing.CLOSED)
        target = MailboxTarget(user.address, str(user.maildir), user.quota)
        text = _read_dot_qmail(user.home / ".qmail")
        if text is None:
            return Resolution(Standing.MAILBOX, (target,))
        return self._follow(read_instructions(text), user.home, target)

    def _resolve_default(self, directory: Path) -> Resolution:
        text = _read_dot_qmail(directory / ".qmail-default")
        if text is None:
            return _ABSENT
        action = default_action(text)
        if action is None:
            return self._follow(read_instructions(text), directory, None)
        if action in ("", "bounce-no-mailbox"):
            return _ABSENT
        if action == "delete":
            return _DISCARDS
        if not self._has_catchall:
            return _NO_CATCHALL
        if action.startswith("/"):
            return Resolution(Standing.MAILBOX, (self._target_at(Path(action), directory),))
        return self._follow(read_instructions(f"&{action}"), directory, None)

    def _follow(self, told: Instructions, base: Path, usual: MailboxTarget | None) -> Resolution:
        if told.other:
            return Resolution(Standing.UNSUPPORTED, detail=f"cannot do this line: {told.other[0]}")
        if told.discards:
            return _DISCARDS
        if told.is_empty:
            return Resolution(Standing.MAILBOX, (usual,)) if usual is not None else _ABSENT
        boxes: list[MailboxTarget] = []
        for line in told.maildirs:
            maildir = (base / line).resolve() if line.startswith(".") else Path(line)
            if usual is not None and Path(usual.maildir).resolve() == maildir:
                boxes.append(usual)
            else:
                boxes.append(self._target_at(maildir.parent, base))
        if len(boxes) == 1 and not told.forwards:
            return Resolution(Standing.MAILBOX, tuple(boxes))
        return Resolution(Standing.EXPANDS, tuple(boxes), tuple(told.forwards))

    def _target_at(self, home: Path, directory: Path) -> MailboxTarget:
        """The mailbox of a user's home; its quota is that of the user who lives there."""
        user = self._tree.find_user(f"{home.name}@{directory.name}")
        if user is not None and user.home == home:
            return MailboxTarget(user.address, str(user.maildir), user.quota)
        return MailboxTarget(f"{home.name}@{directory.name}", str(home / "Maildir"), Quota())

    def is_full(self, target: MailboxTarget, adding: int) -> bool:
        if not target.quota.is_limited:
            return False
        book, now = QuotaBook(Path(target.maildir), target.quota), self._clock()
        if book.would_be_over(adding, now):
            return True
        return percent_used(book.current(), target.quota) >= 100 and book.would_be_over(1, now)

    # Sign-in

    def sign_in(self, name: str, password: str, service: Service) -> str:
        user = self._tree.find_user(_login_address(name))
        matches = verify_password(password, user.password_hash if user is not None else DUMMY_HASH)
        return _admitted(user, matches, service)

    def sign_in_by_digest(self, name: str, challenge: bytes, digest: str, service: Service) -> str:
        user = self._tree.find_user(_login_address(name))
        clear = (user.clear_password or "") if user is not None else ""
        right = hmac.digest((clear or _NOBODYS).encode(), challenge, hashlib.md5).hex()
        matches = hmac.compare_digest(right.encode(), digest.lower().encode("utf-8", "replace"))
        return _admitted(user, matches and bool(clear), service)

    def scram_keys(self, name: str) -> ScramKeys:
        address = _login_address(name).lower()
        user = self._tree.find_user(address)
        salt = hmac.digest(self._salt_key, address.encode("utf-8", "replace"), "sha256")[:16]
        if user is None or not user.clear_password:
            return keys_of("", _NOBODYS, salt)
        return keys_of(user.address, user.clear_password, salt)

    def sign_in_proven(self, address: str, service: Service) -> str:
        return _admitted(self._tree.find_user(address), True, service)

    def has_flag(self, address: str, flag: UserFlag) -> bool:
        user = self._tree.find_user(address)
        return user is not None and bool(user.flags & flag)

    def maildir_of(self, address: str) -> tuple[Path, Quota] | None:
        user = self._tree.find_user(address)
        return (user.maildir, user.quota) if user is not None else None


def _admitted(user: VUser | None, matches: bool, service: Service) -> str:
    if user is None:
        raise SignInRefused("no such user")
    if not matches:
        raise SignInRefused("wrong password")
    flag = why_not_service(user.flags, service)
    if flag is not None:
        raise SignInRefused(f"closed by {flag}")
    return user.address


def _login_address(name: str) -> str:
    """vpopmail also takes % and / for the @, for programs that cannot have one in a name."""
    for separator in "@%/":
        local, found, domain = name.rpartition(separator)
        if found:
            return f"{local}@{domain}"
    return name


def _extension_files(local: str) -> list[str]:
    """`.qmail-a-b`, then `.qmail-a-default`: dots become colons in file names."""
    name = local.replace(".", ":")
    parts = name.split("-")
    prefixes = ["-".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
    return [f".qmail-{name}", *(f".qmail-{one}-default" for one in prefixes if one)]


def _read_dot_qmail(path: Path) -> str | None:
    """The file's text; None when absent. One that anybody may write to is not trusted."""
    try:
        if path.stat().st_mode & stat.S_IWOTH:
            raise PermissionError(f"{path} is writable by everybody")
        return path.read_text("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
