from django.urls import path

from heliosphere.panel.catalog import views

app_name = "catalog"
urlpatterns = [
    path("admin/plans/", views.PlanList.as_view(), name="plans"),
    path("admin/plans/create/", views.plan_start, name="plan-start"),
    path("admin/plans/<int:pk>/", views.plan, name="plan"),
    path("admin/plans/<int:pk>/signup/", views.plan_signup, name="plan-signup"),
    path("admin/plans/<int:pk>/change/", views.plan_edit, name="plan-edit"),
    path("admin/plans/<int:pk>/delete/", views.plan_delete, name="plan-delete"),
    path("admin/plans/wizard/<slug:key>/<slug:step>/", views.plan_step, name="plan-step"),
]
