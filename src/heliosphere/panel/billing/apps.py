from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "heliosphere.panel.billing"
    label = "billing"
