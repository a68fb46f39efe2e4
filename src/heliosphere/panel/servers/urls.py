from django.urls import path

from heliosphere.panel.servers import views

app_name = "servers"
urlpatterns = [
    path("admin/servers/physical/", views.PhysicalList.as_view(), name="physical"),
    path("admin/servers/logical/", views.LogicalList.as_view(), name="logical"),
    path("admin/servers/logical/<int:pk>/signup/", views.logical_signup, name="logical-signup"),
]
