"""The server certificate as a TLS context, read again when the file changes."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from heliosphere.mta.adapters.atomic_files import file_stamp


class ServerCertificate:
    """`control/servercert.pem`: certificate chain and key in one file. Without it there is no TLS.

    A broken file keeps the certificate that worked before; `on_bad` is told once.
    """

    def __init__(self, path: Path, on_bad: Callable[[str], None] = lambda reason: None) -> None:
        self._path, self._on_bad = path, on_bad
        self._stamp: object = object()
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext | None:
        stamp = file_stamp(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            self._context = self._load() if stamp is not None else None
        return self._context

    def _load(self) -> ssl.SSLContext | None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self._path)
        except (ssl.SSLError, OSError) as trouble:
            self._on_bad(str(trouble))
            return self._context
        return context
