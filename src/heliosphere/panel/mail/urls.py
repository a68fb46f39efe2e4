from django.urls import path

from heliosphere.panel.mail import views

app_name = "mail"
urlpatterns = [
    path("cp/mail/", views.MailboxList.as_view(), name="mailboxes"),
    path("cp/mail/domains/<int:domain_id>/add/", views.add, name="add"),
    path("cp/mail/<int:pk>/", views.mailbox, name="mailbox"),
    path("cp/mail/<int:pk>/remove/", views.remove, name="remove"),
]
