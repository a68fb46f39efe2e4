"""Mail server controls: what they are, declared once for the engine, its tools, the panel and the manual."""

from heliosphere.contracts.controls import common, content, send, smtpd  # noqa: F401 - they declare
from heliosphere.contracts.controls.registry import REGISTRY

__all__ = ["REGISTRY"]
