"""A list page: queryset, table and filters in; search as you type, sorting, paging and export out."""

from __future__ import annotations

import csv
from typing import Any

import django_filters
from django import forms
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django_filters.views import FilterView
from django_tables2 import SingleTableMixin

RESULTS_ID = "list"
# A cell that starts like a formula would be run by a spreadsheet that opens the export.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ListPage(SingleTableMixin, FilterView):  # type: ignore[misc]
    """Set `title`, `table_class`, `filterset_class`, and `queryset` or `get_queryset`.

    A request by htmx for the results gets only them, so the search box keeps what is being typed.
    `?export=csv` gives all rows of the filtered list, not only the page shown.
    """

    template_name = "look/pages/list.html"
    results_template_name = "look/parts/list_results.html"
    title: Any = ""
    subtitle: Any = ""
    export_name = ""
    strict = False

    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer: HttpResponseBase = super().get(request, *args, **kwargs)
        if self.export_name and request.GET.get("export") == "csv":
            return self._export(answer.context_data["table"])  # type: ignore[attr-defined]
        return answer

    def get_template_names(self) -> list[str]:
        return [self.results_template_name if self._wants_results() else self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context.setdefault("title", self.title)
        context.setdefault("subtitle", self.subtitle)
        query = self.request.GET.copy()
        query["export"] = "csv"
        context |= {
            "results_only": self._wants_results(),
            "count": context["table"].paginator.count if hasattr(context["table"], "paginator") else None,
            "is_filtered": any(self.request.GET.get(name) for name in context["filter"].form.fields),
            "export_url": f"?{query.urlencode()}" if self.export_name else "",
        }
        return context

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = super().render_to_response(context, **kwargs)
        patch_vary_headers(answer, ("HX-Request", "HX-Target"))
        return answer

    def _wants_results(self) -> bool:
        headers = self.request.headers
        return bool(headers.get("HX-Request") == "true" and headers.get("HX-Target") == RESULTS_ID)

    def _export(self, table: Any) -> HttpResponseBase:
        writer = csv.writer(_Echo())
        lines = (writer.writerow([_safe_cell(cell) for cell in row]) for row in table.as_values())
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{self.export_name}.csv"'
        return answer


class SearchFilter(django_filters.CharFilter):  # type: ignore[misc]
    """One box that searches several columns: SearchFilter("login", "contact__email")."""

    def __init__(self, *columns: str, **extra: Any) -> None:
        self._columns = columns
        extra.setdefault("label", _("Search"))
        extra.setdefault("widget", forms.TextInput(attrs={"type": "search", "autocomplete": "off"}))
        super().__init__(**extra)

    def filter(self, rows: Any, value: Any) -> Any:
        """Rows where any column contains the words; everything while nothing is typed."""
        if not value:
            return rows
        wanted = Q()
        for column in self._columns:
            wanted |= Q(**{f"{column}__icontains": value})
        return rows.filter(wanted)


class _Echo:
    """A file that hands back what is written, so that rows stream."""

    def write(self, line: str) -> str:
        return line


def _safe_cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
