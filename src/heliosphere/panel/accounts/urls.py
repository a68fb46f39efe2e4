from django.urls import path

from heliosphere.panel.accounts import views

app_name = "accounts"
urlpatterns = [
    path("me/tokens/", views.tokens, name="tokens"),
    path("me/tokens/<int:pk>/revoke/", views.revoke_token, name="token-revoke"),
]
