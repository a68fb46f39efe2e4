from django.urls import path

from heliosphere.panel.hosting import job_views, user_views, views

app_name = "hosting"
urlpatterns = [
    path("admin/", views.admin_home, name="admin-home"),
    path("admin/accounts/", views.AccountList.as_view(), name="accounts"),
    path("admin/accounts/<int:pk>/", views.account, name="account"),
    path("admin/accounts/<int:pk>/suspend/", views.suspend, name="suspend"),
    path("admin/accounts/<int:pk>/resume/", views.resume, name="resume"),
    path("admin/accounts/<int:pk>/payment/", views.payment, name="payment"),
    path("admin/company/", views.company, name="company"),
    path("admin/jobs/", job_views.JobList.as_view(), name="jobs"),
    path("cp/", views.user_home, name="user-home"),
    path("cp/domains/", user_views.domains, name="domains"),
    path("cp/switch/", views.switch, name="switch"),
    path("jobs/<int:pk>/", job_views.job, name="job"),
    path("jobs/<int:pk>/retry/", job_views.retry, name="job-retry"),
    path("jobs/<int:pk>/cancel/", job_views.cancel, name="job-cancel"),
    path("jobs/group/<int:pk>/", job_views.group, name="group"),
]
