"""Pages about a person's own access: API tokens."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from heliosphere.panel.accounts import queries, services
from heliosphere.panel.accounts.doors import PanelRequest, signed_in
from heliosphere.panel.accounts.forms import TokenForm
from heliosphere.panel.accounts.models import User


@signed_in
@never_cache
def tokens(request: PanelRequest) -> HttpResponse:
    """The person's API tokens. A new one is shown in the answer to its form, once, and never again."""
    form = TokenForm(request.POST or None)
    new = ""
    if request.method == "POST" and form.is_valid() and isinstance(request.user, User):
        new = services.issue_api_token(
            user=request.user,
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            days=form.cleaned_data["days"],
            actor=request.principal,
            now=request.clock(),
        )
        form = TokenForm()
    context = {
        "title": _("API tokens"),
        "form": form,
        "new_token": new,
        "tokens": list(queries.api_tokens(request.principal)),
    }
    return render(request, "accounts/tokens.html", context)


@signed_in
@require_POST
def revoke_token(request: PanelRequest, pk: int) -> HttpResponse:
    services.revoke_api_token(token_id=pk, actor=request.principal, now=request.clock())
    messages.success(request, _("The token no longer works."))
    return redirect("accounts:tokens")
