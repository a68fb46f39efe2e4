from django.apps import AppConfig


class DnsConfig(AppConfig):
    name = "heliosphere.panel.dns"
    label = "dns"
