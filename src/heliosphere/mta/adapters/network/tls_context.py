"""Server certificates as TLS contexts, read again when files or the allowed protocols change."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from heliosphere.mta.adapters.files.atomic_files import file_stamp
from heliosphere.mta.rules.clients.tls_protocols import parse_tls_protocols

_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class ServerCertificate:
    """`control/servercert.pem`: certificate chain and key in one file. Without it there is no TLS.

    `control/tls/NAME.pem` are certificates for further names, chosen by what the client asks for (SNI);
    `*` may stand for the first label. A broken file keeps the certificate that worked before; `on_bad` is
    told once. `protocols()` is the control tlsprotocols.
    """

    def __init__(
        self, path: Path, on_bad: Callable[[str], None] = lambda reason: None,
        protocols: Callable[[], str] = lambda: "TLSv1.2,TLSv1.3",
    ) -> None:  # fmt: skip
        self._path, self._on_bad, self._protocols = path, on_bad, protocols
        self._names = path.parent / "tls"
        self._stamp: object = None
        self._context: ssl.SSLContext | None = None
        self._by_name: dict[str, tuple[object, ssl.SSLContext | None]] = {}

    def context(self) -> ssl.SSLContext | None:
        """The same object as before while nothing changed."""
        protocols = self._protocols()
        stamp = (file_stamp(self._path), protocols)
        if stamp != self._stamp:
            self._stamp = stamp
            # To be loaded again; what worked stays at hand in case a file is broken now.
            self._by_name = {name: (object(), former) for name, (_, former) in self._by_name.items()}
            self._context = self._load(self._path, protocols, self._context) if stamp[0] is not None else None
            if self._context is not None:
                self._context.sni_callback = self._choose
        return self._context

    def _load(self, path: Path, protocols: str, former: ssl.SSLContext | None) -> ssl.SSLContext | None:
        allowed = parse_tls_protocols(protocols).usable
        if not allowed:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _limit(context, allowed)
        try:
            context.load_cert_chain(path)
        except (ssl.SSLError, OSError) as trouble:
            self._on_bad(f"{path.name}: {trouble}")
            return former
        return context

    def _choose(
        self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, usual: ssl.SSLContext
    ) -> None:
        """RFC 6066: a name we have no certificate for gets the usual one; the client decides."""
        found = self._for_name(name) if name else None
        if found is not None:
            connection.context = found

    def _for_name(self, name: str) -> ssl.SSLContext | None:
        name = name.lower()
        if "/" in name or name.startswith("."):
            return None
        _, _, parent = name.partition(".")
        for candidate in (name, f"*.{parent}"):
            path = self._names / f"{candidate}.pem"
            stamp = file_stamp(path)
            known = self._by_name.get(candidate)
            if stamp is None:
                self._by_name.pop(candidate, None)
                continue
            if known is None or known[0] != stamp:
                former = known[1] if known is not None else None
                known = (stamp, self._load(path, self._protocols(), former))
                self._by_name[candidate] = known
            if known[1] is not None:
                return known[1]
        return None


def _limit(context: ssl.SSLContext, allowed: tuple[str, ...]) -> None:
    """`allowed` in order of age."""
    context.minimum_version = _VERSIONS[allowed[0]]
    context.maximum_version = _VERSIONS[allowed[-1]]
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
