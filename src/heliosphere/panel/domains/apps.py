from django.apps import AppConfig


class DomainsConfig(AppConfig):
    name = "heliosphere.panel.domains"
    label = "domains"
