"""Our engine with clients on 127.0.0.1 taken for strangers: `python bench/mail_stranger.py --root …`.

Clients on this machine are spared SPF, DKIM and DMARC; a benchmark that comes from here would measure a
server without them. Arguments are those of `heliosphere mail serve`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "src")]

from heliosphere.mta.programs import serve  # noqa: E402
from heliosphere.mta.rules.session import Client  # noqa: E402

_make = Client.__init__


def _make_stranger(self: Client, ip: str, is_loopback: bool, *others: Any, **named: Any) -> None:
    _make(self, ip, False, *others, **named)
    object.__setattr__(self, "is_own", False)


if __name__ == "__main__":
    Client.__init__ = _make_stranger  # type: ignore[method-assign]
    sys.exit(serve.main(sys.argv[1:]))
