from django.urls import path

from heliosphere.panel.signup import staff_views, views

app_name = "signup"
urlpatterns = [
    path("plans/", views.plan_list, name="plans"),
    path("signup/<int:plan_id>/", views.start, name="start"),
    path("signup/w/<str:token>/result/", views.result, name="result"),
    path("signup/w/<str:token>/<slug:step>/", views.step, name="step"),
    path("signup/paid/<str:token>/", views.paid, name="paid"),
    path("admin/signup/", staff_views.choose_plan, name="choose-plan"),
    path("admin/signup/links/", staff_views.links, name="links"),
    path("admin/signup/moderation/", staff_views.ModerationList.as_view(), name="moderation"),
    path("admin/signup/moderation/<int:pk>/", staff_views.moderate, name="moderate"),
]
