"""A Dovecot 2.3 configuration over a vpopmail tree: no root, one user for all, 127.0.0.1 only."""

from __future__ import annotations

import grp
import pwd
from pathlib import Path

AUTH_SCRIPT = Path(__file__).with_name("auth.lua")
_LOGIN_SERVICES = {"imap": "imap-login", "sieve": "managesieve-login"}


def dovecot_config(
    root: Path, run_dir: Path, imap: int, imaps: int | None, managesieve: int | None, user: str,
    cert: Path | None,
) -> str:  # fmt: skip
    """The text of dovecot.conf. Ports are numbers; None leaves a service out.

    `root` is the tree, `run_dir` a directory of Dovecot's own (short path: it holds sockets), `user` who
    runs everything and owns the mail, `cert` a file with certificate chain and key. Without `cert` there
    is no TLS and so no IMAPS. Debian packages: dovecot-imapd, dovecot-auth-lua, dovecot-sieve and
    dovecot-managesieved for ManageSieve.
    """
    group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    protocols = "imap sieve" if managesieve is not None else "imap"
    return "\n".join(
        (
            _base(root, run_dir, user, group, protocols),
            _tls(cert),
            _auth(),
            _mail(user, group, with_sieve=managesieve is not None),
            _login("imap", {"imap": imap, "imaps": imaps if cert is not None else None}),
            _login("sieve", {"sieve": managesieve}) if managesieve is not None else "",
        )
    )


def _base(root: Path, run_dir: Path, user: str, group: str, protocols: str) -> str:
    return f"""\
# Made by Heliosphere; changes are overwritten.
base_dir = {run_dir}/base
state_dir = {run_dir}/state
log_path = {run_dir}/dovecot.log
protocols = {protocols}
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
import_environment = TZ HELIOSPHERE_MAIL_ROOT={root}
# No growing delay per address: behind web mail all clients have the same one.
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


def _tls(cert: Path | None) -> str:
    if cert is None:
        return "ssl = no\n"
    return f"ssl = yes\nssl_cert = <{cert}\nssl_key = <{cert}\nssl_min_protocol = TLSv1.2\n"


def _auth() -> str:
    return f"""\
auth_mechanisms = plain login
disable_plaintext_auth = yes
auth_cache_size = 0
passdb {{
  driver = lua
  args = file={AUTH_SCRIPT} blocking=yes
}}
userdb {{
  driver = lua
  args = file={AUTH_SCRIPT} blocking=yes
}}
"""


def _mail(user: str, group: str, *, with_sieve: bool) -> str:
    sieve = "  sieve = file:~/sieve;active=~/.dovecot.sieve\n" if with_sieve else ""
    uid, gid = pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid
    return f"""\
mail_uid = {user}
mail_gid = {group}
first_valid_uid = {uid}
last_valid_uid = {uid}
first_valid_gid = {gid}
mail_privileged_group =
mail_plugins = quota
namespace inbox {{
  inbox = yes
  separator = .
  mailbox Drafts {{
    special_use = \\Drafts
    auto = subscribe
  }}
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = subscribe
  }}
}}
plugin {{
  quota = maildir:User quota
{sieve}}}
protocol imap {{
  mail_plugins = quota imap_quota
}}
"""


def _login(protocol: str, ports: dict[str, int | None]) -> str:
    listeners = "".join(
        f"  inet_listener {name} {{\n    address = 127.0.0.1\n    port = {port or 0}\n"
        + ("    ssl = yes\n" if name == "imaps" else "")
        + "  }\n"
        for name, port in ports.items()
    )
    return f"service {_LOGIN_SERVICES[protocol]} {{\n  chroot =\n{listeners}}}\n"
