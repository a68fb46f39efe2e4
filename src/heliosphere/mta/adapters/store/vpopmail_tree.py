"""A qmail/vpopmail file tree: domains, mailboxes, quotas and suspension, in vpopmail's own formats."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from heliosphere.mta.adapters.files.atomic_files import read_or_none, sync_directory, write_atomic
from heliosphere.mta.adapters.files.locks import locked
from heliosphere.mta.adapters.store.maildir_usage import QuotaBook, make_maildir, scan
from heliosphere.mta.adapters.store.qmail_files import QmailFiles
from heliosphere.mta.adapters.store.suspension import SuspensionFile, closed
from heliosphere.mta.adapters.store.vpasswd_files import VpasswdFile, VpasswdReader
from heliosphere.mta.rules.errors import Refused
from heliosphere.mta.rules.store.flags import NO_FLAGS, UserFlag
from heliosphere.mta.rules.store.names import why_not_domain, why_not_user
from heliosphere.mta.rules.store.quota import Quota, Usage, parse_quota
from heliosphere.mta.wire.vpasswd import VpasswdLine, check_fields

BOUNCE_UNKNOWN = "| {bin}/vdelivermail '' bounce-no-mailbox\n"
POP_ALLOWED = 1
"""The uid field of a new vpasswd line."""
DEFAULT_LIMITS = (
    "maxpopaccounts: -1\nmaxaliases: -1\nmaxforwards: -1\nmaxautoresponders: -1\nmaxmailinglists: -1\n"
    "quota: 0\nmaxmsgcount: 0\ndefault_quota: 0\ndefault_maxmsgcount: 0\n"
)


def system_clock() -> datetime:
    """The wall clock. The age of a maildirsize file is judged against file times, so no other will do."""
    return datetime.now(UTC)  # noqa: TID251 - this adapter compares with file times


@dataclass(frozen=True, slots=True)
class VUser:
    """A mailbox as the tree has it.

    `flags` are in force now; `own_flags` are the user's own, which differ while the domain is
    suspended and come back when it is resumed. `quota` 0 in both parts means no limit. `clear_password`
    is there only in trees that keep it, for sign-in by challenge.
    """

    name: str
    domain: str
    password_hash: str
    flags: UserFlag
    own_flags: UserFlag
    comment: str
    home: Path
    quota: Quota
    clear_password: str | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        return f"{self.name}@{self.domain}"

    @property
    def maildir(self) -> Path:
        return self.home / "Maildir"


class VpopmailTree:
    """The tree below `root` (`qmail/` and `vpopmail/`).

    Every write is idempotent, replaces files as a whole, and holds an fcntl lock: one for the lists of
    domains, one per domain for its users. Names are taken in any case and kept in lower case. Raises
    Refused for what a person must change; OSError for trouble with the disk.
    """

    def __init__(self, root: Path, clock: Callable[[], datetime] = system_clock) -> None:
        self.root = Path(os.path.abspath(root))
        self.qmail = QmailFiles(self.root / "qmail")
        self.vpopmail = self.root / "vpopmail"
        self._reader = VpasswdReader()
        self._clock = clock

    # Layout

    def ensure_layout(self, hostname: str) -> None:
        """Make missing directories and control files; leave what an operator has set."""
        reason = why_not_domain(hostname)
        if reason:
            raise Refused("bad-hostname", f"{hostname}: {reason}")
        etc = self.vpopmail / "etc"
        for path in (self.qmail.control, self.qmail.users, self.vpopmail / "domains", etc / "open-smtp.new"):
            path.mkdir(mode=0o755, parents=True, exist_ok=True)
        with self._tree_lock():
            for name, value in _FIRST_CONTROLS.items():
                self.qmail.write_if_absent(name, value.format(hostname=hostname.lower()))
            if not (self.vpopmail / "etc" / "vlimits.default").exists():
                write_atomic(self.vpopmail / "etc" / "vlimits.default", DEFAULT_LIMITS.encode(), 0o644)
            if not (self.qmail.users / "cdb").exists():
                self.qmail.unassign("")

    # Domains

    def domains(self) -> list[str]:
        """Real mail domains, sorted; aliases are not among them."""
        return sorted(name for name, line in self.qmail.assignments().items() if line.user == name)

    def has_domain(self, name: str) -> bool:
        """Is `name` a real mail domain here (not an alias)?"""
        line = self.qmail.assignments().get(name.lower())
        return line is not None and line.user == name.lower()

    def real_domain(self, name: str) -> str | None:
        """The real domain behind a domain or alias name; None when neither."""
        line = self.qmail.assignments().get(name.lower())
        return line.user if line is not None else None

    def domain_dir(self, name: str) -> Path | None:
        """Where the domain's files are. A path from another machine is looked for under this root."""
        line = self.qmail.assignments().get(name.lower())
        if line is None:
            return None
        here = Path(line.home)
        return here if here.is_dir() else self._default_dir(here.name)

    def add_domain(self, name: str, postmaster_hash: str) -> bool:
        """Make a mail domain with its postmaster; True when it was not there before.

        A domain that is there, or that a crash left half made, is completed; a postmaster that exists
        keeps the password. Mail is accepted (rcpthosts) only when all the rest is in place.
        """
        name = _domain_name(name)
        with self._tree_lock():
            line = self.qmail.assignments().get(name)
            if line is not None and line.user != name:
                raise Refused("domain-exists", f"{name} is an alias of {line.user}")
            directory = self.domain_dir(name) or self._default_dir(name)
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write_default_action(directory)
            self._ensure_postmaster(name, directory, postmaster_hash)
            sync_directory(directory.parent)
            return self._publish(name, name, directory)

    def remove_domain(self, name: str) -> bool:
        """Remove a domain with its aliases and all stored mail; False when it was gone already."""
        name = name.lower()
        with self._tree_lock():
            known = self.qmail.assignments().get(name)
            if known is not None and known.user != name:
                raise Refused("is-alias", f"{name} is an alias of {known.user}")
            directory = self.domain_dir(name) or self._default_dir(name)
            for alias in self.domain_aliases(name):
                self._unpublish(alias)
            self._unpublish(name)
            self._remove_tree(directory)
            return known is not None

    def domain_aliases(self, name: str) -> list[str]:
        name = name.lower()
        lines = self.qmail.assignments()
        return sorted(one for one, line in lines.items() if line.user == name and one != name)

    def add_domain_alias(self, name: str, alias: str) -> bool:
        """Mail for `alias` goes to the mailboxes of `name`. True when it was not so before."""
        alias = _domain_name(alias)
        with self._tree_lock():
            real = self.real_domain(name)
            if real is None:
                raise Refused("no-domain", f"there is no mail domain {name}")
            taken = self.real_domain(alias)
            if taken not in (None, real) or alias == real:
                raise Refused("domain-exists", f"{alias} is a mail domain already")
            directory = self.domain_dir(real)
            assert directory is not None
            return self._publish(alias, real, directory)

    def remove_domain_alias(self, alias: str) -> bool:
        """False when it was gone already."""
        alias = alias.lower()
        with self._tree_lock():
            real = self.real_domain(alias)
            if real == alias:
                raise Refused("not-an-alias", f"{alias} is a mail domain of its own")
            self._unpublish(alias)
            return real is not None

    # Users

    def find_user(self, address: str) -> VUser | None:
        """The mailbox of an address, also through a domain alias. Raises TryLater on a damaged file."""
        local, _, domain = address.lower().rpartition("@")
        real = self.real_domain(domain)
        directory = self.domain_dir(domain) if real else None
        if real is None or directory is None or not local:
            return None
        line = self._reader.find(directory, local)
        if line is None:
            return None
        own = SuspensionFile(directory).own_flags() if line.gid else {}
        return _user(line, real, directory, own)

    def users(self, domain: str) -> list[VUser]:
        """All mailboxes of a domain, sorted by name; empty for an unknown domain."""
        real, directory = self.real_domain(domain), self.domain_dir(domain)
        if real is None or directory is None:
            return []
        own = SuspensionFile(directory).own_flags()
        lines = VpasswdFile(directory).read()
        return [_user(lines[name], real, directory, own) for name in sorted(lines)]

    def add_user(
        self,
        address: str,
        password_hash: str,
        *,
        quota_bytes: int = 0,
        comment: str = "",
        flags: UserFlag = NO_FLAGS,
    ) -> bool:
        """Make a mailbox; True when it was not there before. One that is there keeps all it has.

        In a suspended domain the new mailbox starts closed and gets `flags` when the domain resumes.
        """
        local, domain, directory = self._place(address)
        reason = why_not_user(local)
        if reason:
            raise Refused("bad-name", reason)
        table = VpasswdFile(directory)
        with table.lock():
            lines = table.read()
            if local in lines:
                make_maildir(_user(lines[local], domain, directory, {}).maildir)
                return False
            home = directory / local
            quota = Quota(bytes=quota_bytes)
            line = VpasswdLine(
                local, password_hash, POP_ALLOWED, int(flags), comment or local, str(home), str(quota)
            )
            check_fields(line)
            make_maildir(home / "Maildir")
            QuotaBook(home / "Maildir", quota).write_fresh()
            sync_directory(directory)
            lines[local] = self._closed_if_suspended(directory, line)
            table.write(lines)
            return True

    def change_user(
        self,
        address: str,
        *,
        password_hash: str | None = None,
        quota_bytes: int | None = None,
        comment: str | None = None,
        flags: UserFlag | None = None,
    ) -> bool:
        """Change what is given; True when anything differed. `flags` are the user's own flags."""
        local, domain, directory = self._place(address)
        table = VpasswdFile(directory)
        with table.lock():
            lines = table.read()
            before = lines.get(local)
            if before is None:
                raise Refused("no-user", f"there is no mailbox {local}@{domain}")
            after = before
            if password_hash is not None:
                after = replace(after, password_hash=password_hash)
            if comment is not None:
                after = replace(after, gecos=comment)
            if quota_bytes is not None:
                after = replace(after, quota=str(Quota(bytes=quota_bytes)))
            check_fields(after)
            changed_flags = False
            if flags is not None:
                own = SuspensionFile(directory).own_flags().get(local, before.gid)
                changed_flags = own != int(flags)
                after = self._closed_if_suspended(directory, replace(after, gid=int(flags)))
            if after == before and not changed_flags:
                return False
            lines[local] = after
            table.write(lines)
            if after.quota != before.quota:
                user = _user(after, domain, directory, {})
                QuotaBook(user.maildir, user.quota).write_fresh()
            return True

    def remove_user(self, address: str) -> bool:
        """Remove a mailbox and its mail; False when it was gone. The postmaster stays with its domain."""
        local, domain, directory = self._place(address)
        if local == "postmaster":
            raise Refused("postmaster", f"the postmaster of {domain} cannot be removed")
        table = VpasswdFile(directory)
        with table.lock():
            lines = table.read()
            line = lines.pop(local, None)
            if line is not None:
                table.write(lines)
                suspension = SuspensionFile(directory)
                if suspension.exists():
                    own = suspension.own_flags()
                    own.pop(local, None)
                    suspension.write(own)
                self._remove_tree(_user(line, domain, directory, {}).home)
            elif not why_not_user(local):
                self._remove_tree(directory / local)
            return line is not None

    def usage(self, address: str) -> tuple[int, int]:
        """Bytes and messages stored in a mailbox."""
        user = self.find_user(address)
        if user is None:
            raise Refused("no-user", f"there is no mailbox {address}")
        used: Usage
        if user.quota.is_limited:
            used = QuotaBook(user.maildir, user.quota).used(self._clock())
        else:
            used = scan(user.maildir)
        return used.bytes, used.messages

    # Suspension

    def suspend_domain(self, name: str) -> bool:
        """Close every mailbox of the domain and keep all that is stored; True when it was open."""
        directory = self._existing_dir(name)
        table, suspension = VpasswdFile(directory), SuspensionFile(directory)
        with table.lock():
            lines = table.read()
            was_open = not suspension.exists()
            own = {} if was_open else suspension.own_flags()
            missing = {user: line.gid for user, line in lines.items() if user not in own}
            if was_open or missing:
                suspension.write({**own, **missing})
            wanted = {user: replace(line, gid=closed(line.gid)) for user, line in lines.items()}
            if wanted != lines:
                table.write(wanted)
            return was_open

    def resume_domain(self, name: str) -> bool:
        """Give every mailbox back exactly what it had; True when the domain was suspended."""
        directory = self._existing_dir(name)
        table, suspension = VpasswdFile(directory), SuspensionFile(directory)
        with table.lock():
            if not suspension.exists():
                return False
            own, lines = suspension.own_flags(), table.read()
            table.write({user: replace(line, gid=own.get(user, line.gid)) for user, line in lines.items()})
            suspension.remove()
            return True

    def is_suspended(self, name: str) -> bool:
        directory = self.domain_dir(name)
        return directory is not None and SuspensionFile(directory).exists()

    # Parts

    def _tree_lock(self) -> AbstractContextManager[None]:
        return locked(self.qmail.users / "assign.lock")

    def _default_dir(self, name: str) -> Path:
        return self.vpopmail / "domains" / name

    def _existing_dir(self, name: str) -> Path:
        directory = self.domain_dir(name)
        if directory is None or not self.has_domain(name):
            raise Refused("no-domain", f"there is no mail domain {name}")
        return directory

    def _place(self, address: str) -> tuple[str, str, Path]:
        """Name, real domain and domain directory of an address whose domain must exist."""
        local, _, domain = address.lower().rpartition("@")
        real, directory = self.real_domain(domain), self.domain_dir(domain)
        if real is None or directory is None:
            raise Refused("no-domain", f"there is no mail domain {domain}")
        return local, real, directory

    def _publish(self, name: str, real: str, directory: Path) -> bool:
        is_new = name not in self.qmail.assignments() or not self.qmail.accepts(name)
        self.qmail.assign(name, real, directory)
        self.qmail.make_virtual(name)
        self.qmail.accept_domain(name)
        return is_new

    def _unpublish(self, name: str) -> None:
        self.qmail.stop_accepting(name)
        self.qmail.drop_virtual(name)
        self.qmail.unassign(name)

    def _write_default_action(self, directory: Path) -> None:
        if not (directory / ".qmail-default").exists():
            text = BOUNCE_UNKNOWN.format(bin=self.vpopmail / "bin")
            write_atomic(directory / ".qmail-default", text.encode(), 0o600)

    def _ensure_postmaster(self, name: str, directory: Path, password_hash: str) -> None:
        table = VpasswdFile(directory)
        with table.lock():
            lines = table.read()
            home = directory / "postmaster"
            make_maildir(home / "Maildir")
            if "postmaster" not in lines:
                line = VpasswdLine(
                    "postmaster", password_hash, POP_ALLOWED, 0, "Postmaster", str(home), str(Quota())
                )
                lines["postmaster"] = self._closed_if_suspended(directory, line)
                table.write(lines)
            elif read_or_none(directory / "vpasswd.cdb") is None:
                table.write(lines)

    @staticmethod
    def _closed_if_suspended(directory: Path, line: VpasswdLine) -> VpasswdLine:
        """In a suspended domain: note the line's own flags, return it with the flags in force."""
        suspension = SuspensionFile(directory)
        if not suspension.exists():
            return line
        suspension.write({**suspension.own_flags(), line.name: line.gid})
        return replace(line, gid=closed(line.gid))

    def _remove_tree(self, directory: Path) -> None:
        """Out of sight with one rename, then piece by piece; what a crash left goes with the next."""
        if not directory.is_relative_to(self.vpopmail / "domains"):
            raise Refused("outside-tree", f"{directory} is not below this tree's domains")
        waste = self.vpopmail / "domains" / ".removed"
        waste.mkdir(mode=0o700, exist_ok=True)
        if directory.exists():
            os.rename(directory, waste / f"{directory.name}.{os.getpid()}.{self._clock().timestamp()}")
            sync_directory(directory.parent)
        for left in list(waste.iterdir()):
            shutil.rmtree(left, ignore_errors=True)


_FIRST_CONTROLS = {
    "me": "{hostname}\n",
    "locals": "",
    "rcpthosts": "",
    "virtualdomains": "",
    # A server that only takes mail it can deliver, and lets its own users send.
    "smtpauth": "1\n",
    "authmethods": "PLAIN LOGIN\n",
    "authresults": "1\n",
    "spfbehavior": "1\n",
    "userchk": "1\n",
    "uquotacheck": "1\n",
    "databytes": "52428800\n",
}


def _domain_name(name: str) -> str:
    reason = why_not_domain(name)
    if reason:
        raise Refused("bad-domain", f"{name}: {reason}")
    return name.lower()


def _user(line: VpasswdLine, domain: str, directory: Path, own: dict[str, int]) -> VUser:
    home = Path(line.directory)
    if not home.is_dir():  # a tree moved here from another place
        home = directory / line.name
    return VUser(
        name=line.name,
        domain=domain,
        password_hash=line.password_hash,
        flags=UserFlag(line.gid),
        own_flags=UserFlag(own.get(line.name, line.gid)),
        comment=line.gecos,
        home=home,
        quota=parse_quota(line.quota) or Quota(),
        clear_password=line.clear,
    )
