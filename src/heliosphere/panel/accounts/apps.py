from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "heliosphere.panel.accounts"
    label = "accounts"
