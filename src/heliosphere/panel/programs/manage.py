"""Django's management commands for an installed panel."""

from __future__ import annotations

import os
import sys


def main(argv: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heliosphere.panel.settings.runtime")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["heliosphere panel manage", *argv])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
