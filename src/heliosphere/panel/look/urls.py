from django.urls import path

from heliosphere.panel.look import gallery, views

app_name = "look"
urlpatterns = [
    path("look/", views.preferences_page, name="preferences"),
    path("look/gallery/", gallery.index, name="gallery"),
    path("look/gallery/list/", gallery.ListSample.as_view(), name="gallery-list"),
    path("look/gallery/<slug:kind>/", gallery.page, name="gallery-page"),
]
