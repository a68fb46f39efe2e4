from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "heliosphere.panel.api"
    label = "api"
