"""The page where a person picks skin, colours and language."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from heliosphere.panel.look import preferences
from heliosphere.panel.look.skins import SKINS, THEMES


class PreferenceForm(forms.Form):
    """A field left out of the post keeps its value, so one button can change one thing."""

    skin = forms.ChoiceField(label=_("Menu"), widget=forms.RadioSelect, required=False)
    theme = forms.ChoiceField(label=_("Colours"), widget=forms.RadioSelect, required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["skin"].choices = [(skin.name, skin.label) for skin in SKINS.values()]  # type: ignore[attr-defined]
        self.fields["theme"].choices = list(THEMES.items())  # type: ignore[attr-defined]
        self.fields["language"].choices = settings.LANGUAGES  # type: ignore[attr-defined]


@require_http_methods(["GET", "POST"])
def preferences_page(request: HttpRequest) -> HttpResponse:
    """Show the choice; a post stores it and goes back to where it was made."""
    kept = preferences.read(request)
    initial = {"skin": kept.skin, "theme": kept.theme, "language": kept.language}
    form = PreferenceForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        chosen = {key: form.cleaned_data[key] or value for key, value in initial.items()}
        answer = redirect(_way_back(request))
        preferences.write(request, answer, preferences.Preference(**chosen))
        if "skin" in request.POST:
            with translation.override(chosen["language"]):
                messages.success(request, translation.gettext("Your look is saved on this device."))
        return answer
    status = 422 if form.is_bound else 200
    context = {"form": form, "skins": SKINS.values(), "title": _("Look")}
    return render(request, "look/preferences.html", context, status=status)


def _way_back(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else reverse("look:preferences")
