from django.urls import path

from heliosphere.panel.mail import views
from heliosphere.panel.mail.server import session_views
from heliosphere.panel.mail.server import views as server_views

app_name = "mail"
urlpatterns = [
    path("cp/mail/", views.MailboxList.as_view(), name="mailboxes"),
    path("cp/mail/domains/<int:domain_id>/add/", views.add, name="add"),
    path("cp/mail/<int:pk>/", views.mailbox, name="mailbox"),
    path("cp/mail/<int:pk>/remove/", views.remove, name="remove"),
    path("cp/mail/sessions/", session_views.own_sessions, name="own-sessions"),
    path("cp/mail/sessions/<int:server_id>/<str:number>/", session_views.own_session, name="own-session"),
    path("admin/mail/servers/", server_views.MailServerList.as_view(), name="servers"),
    path("admin/mail/servers/<int:pk>/", server_views.server, name="server"),
    path("admin/mail/servers/<int:pk>/read/", server_views.read, name="server-read"),
    path("admin/mail/servers/reading/<int:pk>/", server_views.reading, name="server-reading"),
    path("admin/mail/servers/tried/<int:pk>/", server_views.tried, name="server-tried"),
    path("admin/mail/servers/manual/", server_views.manual, name="controls"),
    path("admin/mail/sessions/", session_views.staff_sessions, name="staff-sessions"),
    path(
        "admin/mail/sessions/<int:server_id>/<str:number>/", session_views.staff_session, name="staff-session"
    ),
    path("admin/mail/explain/", session_views.explain, name="explain"),
    path("admin/mail/explain/<int:pk>/", session_views.explained, name="explained"),
]
