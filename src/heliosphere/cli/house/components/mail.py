"""Our mail engine on the qmail/vpopmail tree."""

from __future__ import annotations

from heliosphere.cli.house import probes
from heliosphere.cli.house.component import Component, House

_LISTENERS = ("smtp", "submission", "smtps", "pop3", "pop3s")


def _argv(house: House) -> list[str]:
    listeners = [word for name in _LISTENERS for word in (f"--{name}", house.address(name))]
    return house.heliosphere("mail", "serve", "--root", str(house.places.mail), *listeners)


MAIL = Component(
    name="mail",
    what_for="mail engine: SMTP, submission, POP3, queue",
    modules=("heliosphere.mta.programs.serve",),
    ports=_LISTENERS,
    needs=("prepare",),
    argv=_argv,
    ready=probes.every(
        probes.greets("smtp", b"220"), probes.greets("submission", b"220"), probes.greets("pop3", b"+OK")
    ),
    memory="about 90 MB in three processes",
    grace=20.0,
)
