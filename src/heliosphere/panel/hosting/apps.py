from django.apps import AppConfig


class HostingConfig(AppConfig):
    name = "heliosphere.panel.hosting"
    label = "hosting"
