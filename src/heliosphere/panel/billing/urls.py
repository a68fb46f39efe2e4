from django.urls import path

from heliosphere.panel.billing import views

app_name = "billing"
urlpatterns = [
    path("cp/billing/", views.invoice_list, name="invoices"),
    path("invoices/<int:pk>/", views.invoice, name="invoice"),
    path("invoices/<int:pk>/pdf/", views.invoice_file, name="invoice-pdf"),
    path("admin/settings/payment/", views.payment_settings, name="payment-settings"),
    path("admin/settings/taxes/", views.taxes, name="taxes"),
    path("admin/settings/taxes/<int:pk>/remove/", views.tax_remove, name="tax-remove"),
]
