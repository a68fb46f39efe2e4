"""Programs and libraries that hand a letter to a server themselves."""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
import subprocess
from pathlib import Path

import aiosmtplib

from bench.mail_peers import Missing, program, smtp_source
from tests.mta.interop.routes import Route

NODE_MODULES = Path("/usr/share/nodejs")


def by_swaks(route: Route, letter, home: Path) -> None:
    file = letter.file(home, last_end=False)
    command = [
        program("swaks", "swaks"), "--server", "127.0.0.1", "--port", str(route.port), "--data", f"@{file}",
        "--from", letter.sender, "--to", letter.recipient, "--helo", "client.far.test",
    ]  # fmt: skip
    if route.tls:
        command += ["-tlsc" if route.tls == "first" else "-tls", "--tls-verify", "--tls-ca-path"]
        command.append(str(route.certificate))
    if route.user:
        command += ["--auth", "LOGIN", "--auth-user", route.user, "--auth-password", route.password or ""]
    _run(command)


def by_smtp_source(route: Route, letter, home: Path) -> None:
    command, environment = smtp_source()
    file = letter.file(home, last_end=False)
    command += ["-4", "-F", str(file), "-f", letter.sender, "-t", letter.recipient, "-M", "client.far.test"]
    _run([*command, f"inet:127.0.0.1:{route.port}"], env=environment)


def by_msmtp(route: Route, letter, home: Path) -> None:
    lines = ["account default", "host localhost", "port " + str(route.port), f"from {letter.sender}"]
    lines += ["domain client.far.test"]
    if route.tls:
        lines += ["tls on", f"tls_starttls {'off' if route.tls == 'first' else 'on'}"]
        lines += [f"tls_trust_file {route.certificate}"]
    if route.user:
        lines += ["auth plain", f"user {route.user}", f"password {json.dumps(route.password)}"]
    config = home / "msmtprc"
    config.write_text("\n".join(lines) + "\n")
    config.chmod(0o600)
    with letter.file(home).open("rb") as text:
        _run([program("msmtp", "msmtp"), "-C", str(config), letter.recipient], stdin=text)


NODEMAILER = """\
const mailer = require("nodemailer"), wanted = JSON.parse(process.argv[2]);
mailer.createTransport(wanted.transport).sendMail({envelope: wanted.envelope, raw: {path: wanted.file}})
  .then(info => { console.log(info.response); })
  .catch(trouble => { console.error(trouble); process.exitCode = 1; });
"""


def by_nodemailer(route: Route, letter, home: Path) -> None:
    if not (NODE_MODULES / "nodemailer").exists():
        raise Missing("nodemailer is not here: install the Debian package node-nodemailer (./test does it)")
    transport = {
        "host": "localhost", "port": route.port, "secure": route.tls == "first",
        "requireTLS": route.tls == "on demand", "ignoreTLS": not route.tls, "name": "client.far.test",
        "tls": {"ca": [route.certificate.read_text()]},
    }  # fmt: skip
    if route.user:
        transport["auth"] = {"user": route.user, "pass": route.password}
    envelope = {"from": letter.sender, "to": [letter.recipient], "use8BitMime": True}
    wanted = {"transport": transport, "envelope": envelope, "file": str(letter.file(home))}
    script = home / "send.js"
    script.write_text(NODEMAILER)
    _run(
        [program("node", "nodejs"), str(script), json.dumps(wanted)],
        env={"NODE_PATH": str(NODE_MODULES), "PATH": "/usr/bin:/bin"},
    )


def by_smtplib(route: Route, letter, home: Path) -> None:
    trust = ssl.create_default_context(cafile=str(route.certificate))
    if route.tls == "first":
        client = smtplib.SMTP_SSL("localhost", route.port, context=trust, timeout=20)
    else:
        client = smtplib.SMTP("localhost", route.port, timeout=20)
    with client:
        if route.tls == "on demand":
            client.starttls(context=trust)
        if route.user:
            client.login(route.user, route.password or "")
        client.sendmail(letter.sender, [letter.recipient], letter.wire(), ["BODY=8BITMIME"])


def by_aiosmtplib(route: Route, letter, home: Path) -> None:
    async def deliver() -> None:
        trust = ssl.create_default_context(cafile=str(route.certificate))
        async with aiosmtplib.SMTP(
            hostname="localhost", port=route.port, use_tls=route.tls == "first",
            start_tls=route.tls == "on demand", tls_context=trust if route.tls else None, timeout=20,
        ) as client:  # fmt: skip
            if route.user:
                await client.login(route.user, route.password or "")
            options = ["BODY=8BITMIME"]
            await client.sendmail(letter.sender, [letter.recipient], letter.wire(), mail_options=options)

    asyncio.run(deliver())


def _run(command: list[str], **how) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, **how)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}"
