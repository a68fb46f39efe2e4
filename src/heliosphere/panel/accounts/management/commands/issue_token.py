"""heliosphere panel manage issue_token: an API token for a program on this machine. Prints it once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from heliosphere.panel.accounts import services
from heliosphere.panel.accounts.models import User
from heliosphere.panel.accounts.scopes import SCOPES
from heliosphere.panel.platform.clock import system_clock
from heliosphere.panel.platform.principal import system


class Command(BaseCommand):
    help = "Issue an API token and print it. It cannot be shown again; the panel's token page revokes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--login", required=True, help="whose rights the token has")
        parser.add_argument("--scopes", default="read", help=f"some of {','.join(SCOPES)}; default read")
        parser.add_argument("--name", default="made on the command line", help="how the token page names it")
        parser.add_argument("--days", type=int, default=1, help="days it is good for, 1 to 3650; default 1")

    def handle(self, *args: Any, **options: Any) -> None:
        scopes = [scope for scope in options["scopes"].split(",") if scope]
        if not scopes:  # a token without scopes may do all that its user may
            raise CommandError(f"--scopes names none; there are {', '.join(SCOPES)}")
        if unknown := sorted(set(scopes) - set(SCOPES)):
            raise CommandError(f"unknown scope {', '.join(unknown)}; there are {', '.join(SCOPES)}")
        if not 1 <= options["days"] <= 3650:
            raise CommandError("--days must lie between 1 and 3650")
        user = User.objects.filter(login=options["login"]).first()
        if user is None:
            raise CommandError(f"nobody has the login {options['login']}")
        token = services.issue_api_token(
            user=user,
            name=options["name"],
            scopes=scopes,
            days=options["days"],
            actor=system("command line"),
            now=system_clock(),
        )
        self.stdout.write(token)
