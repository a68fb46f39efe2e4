"""heliosphere panel manage load_demo: a provider to play with. Prints the first logins as JSON, once."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from heliosphere.panel.hosting import first_start
from heliosphere.panel.platform.clock import system_clock


class Command(BaseCommand):
    help = "Set up a demo provider with plans, a tax and the test gateway."
    demo = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the logins as JSON (always done)")

    def handle(self, *args: Any, **options: Any) -> None:
        login = first_start.set_up(demo=self.demo, now=system_clock())
        self.stdout.write(json.dumps({"created": login is not None, "logins": [login] if login else []}))
