"""An invoice as PDF, from the same template as the printed page. Nothing is fetched from anywhere."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string

from heliosphere.panel.billing.models import Invoice


def _no_fetch(url: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    raise ValueError(f"an invoice needs nothing from {url}")


def invoice_pdf(invoice: Invoice) -> bytes:
    """PDF bytes. WeasyPrint is large, so it is loaded when the first invoice is asked for."""
    from weasyprint import HTML

    html = render_to_string("billing/invoice_pdf.html", {"invoice": invoice})
    rendered: bytes = HTML(string=html, url_fetcher=_no_fetch).write_pdf()
    return rendered
