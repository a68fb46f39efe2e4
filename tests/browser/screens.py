"""Every page of every door, by name: where it is, and what is done on it before it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from heliosphere.panel.platform.jobs.models import JobState
from tests.browser import mail_world
from tests.browser.world import World, fill, send

Act = Callable[[Page, World], None]


@dataclass(frozen=True)
class Screen:
    """`path` may name facts of the world in braces (see `facts`); `act` is done once the page is open."""

    name: str
    path: str
    act: Act | None = None
    status: int = 200


def press(label: str, **typed: str) -> Act:
    """Fill in the fields called like that, then press the button: how a page with errors is reached."""

    def act(page: Page, world: World) -> None:
        for name, value in typed.items():
            page.locator(f"[name={name}]").last.fill(value)
        page.get_by_role("button", name=label).first.click()
        page.wait_for_load_state()

    return act


def without_check(then: Act) -> Act:
    """The browser's own checks are off, so that the answer is the server's."""

    def act(page: Page, world: World) -> None:
        page.evaluate(
            """document.querySelectorAll("form").forEach(
                f => { f.noValidate = true; f.removeAttribute("data-validate") })"""
        )
        then(page, world)

    return act


def wrong_domain(page: Page, world: World) -> None:
    page.get_by_label("A domain I have already").check()
    page.get_by_label("Your domain").fill("not a domain")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_load_state()


def make_token(page: Page, world: World) -> None:
    page.get_by_label("See everything the user may see").check()
    press("Make the token", name="night report")(page, world)


def search(words: str) -> Act:
    """Type into the page's own search box; it filters as one types."""

    def act(page: Page, world: World) -> None:
        page.get_by_label("Find a setting").press_sequentially(words)
        page.locator("#control-badmailfrom").wait_for(state="hidden")

    return act


PUBLIC = (
    Screen("plans", "/plans/"),
    Screen("signup-1-period", "/signup/w/{draft_}/period/"),
    Screen("signup-2-domain", "/signup/w/{draft_period}/domain/"),
    Screen("signup-2-domain-error", "/signup/w/{draft_period}/domain/", wrong_domain),
    Screen("signup-3-contact", "/signup/w/{draft_domain}/contact/"),
    Screen(
        "signup-3-contact-error",
        "/signup/w/{draft_domain}/contact/",
        without_check(press("Continue", first_name="Nora", email="nora@")),
    ),
    Screen("signup-4-payment", "/signup/w/{draft_contact}/payment/"),
    Screen("signup-5-login", "/signup/w/{draft_payment}/login/"),
    Screen(
        "signup-5-login-error",
        "/signup/w/{draft_payment}/login/",
        without_check(press("Continue", login="admin", password="correct horse battery", repeat="other")),
    ),
    Screen("signup-6-confirm", "/signup/w/{draft_login}/confirm/"),
    Screen("signup-result-check", "/signup/w/{sent_check}/result/"),
    Screen("signup-result-paying", "/signup/w/{sent_card}/result/"),
    Screen("signup-result-done", "/signup/w/{sent_done}/result/"),
    Screen("signup-result-rejected", "/signup/w/{sent_rejected}/result/"),
    Screen("signup-declined", "/signup/paid/{declined}/"),
    Screen("signup-wait", "/signup/paid/{waiting}/", status=503),
    Screen("login", "/accounts/login/"),
    Screen(
        "login-error",
        "/accounts/login/",
        without_check(press("Sign in", login="nobody", password="wrong password")),
    ),
    Screen("missing", "/no/such/page", status=404),
    Screen("plan-closed", "/signup/9999/", status=404),
)

SELLING = (
    Screen("home", "/admin/"),
    Screen("accounts", "/admin/accounts/"),
    Screen("accounts-none", "/admin/accounts/?q=nobody-is-called-so"),
    Screen("account", "/admin/accounts/{account}/"),
    Screen("account-suspended", "/admin/accounts/{suspended}/"),
    Screen("account-no-domain", "/admin/accounts/{plain}/"),
    Screen("suspend", "/admin/accounts/{account}/suspend/"),
    Screen("suspend-error", "/admin/accounts/{account}/suspend/", without_check(press("Suspend"))),
    Screen("payment", "/admin/accounts/{account}/payment/"),
    Screen(
        "payment-error",
        "/admin/accounts/{account}/payment/",
        without_check(press("Book the payment", amount="-3")),
    ),
    Screen("plans", "/admin/plans/"),
    Screen("plan", "/admin/plans/{plan}/"),
    Screen("plan-delete", "/admin/plans/{plan}/delete/"),
    Screen("plan-1-basics", "/admin/plans/wizard/new/basics/"),
    Screen(
        "plan-1-basics-error",
        "/admin/plans/wizard/new/basics/",
        without_check(press("Continue", credit_limit="-1")),
    ),
    Screen("plan-edit", "/admin/plans/{plan}/change/"),
    Screen("plan-2-resources", "/admin/plans/wizard/{plan}/resources/"),
    Screen("plan-3-prices", "/admin/plans/wizard/{plan}/prices/"),
    Screen(
        "plan-3-prices-error",
        "/admin/plans/wizard/{plan}/prices/",
        without_check(press("Continue", setup_account="much", max_mailbox="1")),
    ),
    Screen("plan-4-periods", "/admin/plans/wizard/{plan}/periods/"),
    Screen("plan-5-review", "/admin/plans/wizard/{plan}/review/"),
    Screen("signup-choose", "/admin/signup/"),
    Screen("signup-links", "/admin/signup/links/"),
)

RUNNING = (
    Screen("moderation", "/admin/signup/moderation/"),
    Screen("moderate", "/admin/signup/moderation/{moderated}/"),
    Screen(
        "moderate-error",
        "/admin/signup/moderation/{moderated}/",
        without_check(press("Reject the signup")),
    ),
    Screen("jobs", "/admin/jobs/"),
    Screen("jobs-failed", "/admin/jobs/?state=failed"),
    Screen("job-done", "/jobs/{job_done}/"),
    Screen("job-failed", "/jobs/{job_failed}/"),
    Screen("job-dead", "/jobs/{job_dead}/"),
    Screen("job-running", "/jobs/{job_running}/"),
    Screen("job-cancelled", "/jobs/{job_cancelled}/"),
    Screen("group-done", "/jobs/group/{group_done}/"),
    Screen("group-failed", "/jobs/group/{group_failed}/"),
    Screen("group-running", "/jobs/group/{group_running}/"),
    Screen("company", "/admin/company/"),
    Screen("payment-settings", "/admin/settings/payment/"),
    Screen("taxes", "/admin/settings/taxes/"),
    Screen("servers-physical", "/admin/servers/physical/"),
    Screen("servers-logical", "/admin/servers/logical/"),
    Screen("invoice", "/invoices/{invoice}/"),
    Screen("mfa", "/accounts/2fa/"),
    Screen("mfa-activate", "/accounts/2fa/totp/activate/"),
    Screen("password", "/accounts/password/change/"),
    Screen("sessions", "/accounts/sessions/"),
    Screen("look", "/look/"),
    Screen("tokens", "/me/tokens/"),
    Screen("token-error", "/me/tokens/", without_check(press("Make the token", name="night report"))),
    Screen("token-made", "/me/tokens/", make_token),
)

MAIL = (
    Screen("home-broken", "/admin/"),
    Screen("mail-servers", "/admin/mail/servers/"),
    Screen("mail-server-unread", "/admin/mail/servers/{mail_unread}/"),
    Screen("mail-server", "/admin/mail/servers/{mail_server}/"),
    Screen("mail-server-search", "/admin/mail/servers/{mail_server}/?q=greylist"),
    Screen("mail-server-typed-search", "/admin/mail/servers/{mail_server}/", search("tarpit")),
    Screen(
        "mail-server-error",
        "/admin/mail/servers/{mail_server}/",
        without_check(press("Save", badmailpatterns="!*@good.test\n[open", maxwrongrcpt="many")),
    ),
    Screen("mail-server-manual", "/admin/mail/servers/manual/"),
    Screen("mail-tried", "/admin/mail/servers/tried/{mail_tried}/"),
    Screen("mail-tried-calm", "/admin/mail/servers/tried/{mail_calm}/"),
    Screen("mail-tried-waiting", "/admin/mail/servers/tried/{mail_waiting}/"),
    Screen("mail-sessions", "/admin/mail/sessions/?asked={mail_found}"),
    Screen("mail-sessions-new", "/admin/mail/sessions/"),
    Screen("mail-sessions-none", "/admin/mail/sessions/?asked={mail_empty}"),
    Screen("mail-sessions-failed", "/admin/mail/sessions/?asked={mail_failed}"),
    Screen("mail-session", "/admin/mail/sessions/{mail_server}/{mail_number}/?asked={mail_told}"),
    Screen("mail-session-gone", "/admin/mail/sessions/{mail_server}/20260301-gone/?asked={mail_gone}"),
    Screen("mail-explain", "/admin/mail/explain/?session={mail_told}"),
    Screen(
        "mail-explain-error",
        "/admin/mail/explain/",
        without_check(press("Explain", ip="house", helo="mx", recipients="a b@c.test")),
    ),
    Screen("mail-explained", "/admin/mail/explain/{mail_explained}/"),
)

CUSTOMER = (
    Screen("home", "/cp/"),
    Screen("mail-sessions", "/cp/mail/sessions/?asked={mail_own}"),
    Screen("mail-session", "/cp/mail/sessions/{mail_server}/{mail_number}/?asked={mail_own_told}"),
    Screen("domains", "/cp/domains/"),
    Screen("mailboxes", "/cp/mail/"),
    Screen("mailbox-add", "/cp/mail/domains/{mail_domain}/add/"),
    Screen(
        "mailbox-add-error",
        "/cp/mail/domains/{mail_domain}/add/",
        without_check(
            press("Add the mailbox", local="in fo", password="short", repeat="other", quota_mb="-1")
        ),
    ),
    Screen("mailbox", "/cp/mail/{mailbox}/"),
    Screen("mailbox-remove", "/cp/mail/{mailbox}/remove/"),
    Screen("invoices", "/cp/billing/"),
    Screen("invoice", "/invoices/{invoice}/"),
    Screen("group", "/jobs/group/{group_done}/"),
    Screen("not-for-you", "/admin/", status=403),
)

PLAIN = (
    Screen("home", "/cp/"),
    Screen("mail-sessions", "/cp/mail/sessions/"),
    Screen("domains", "/cp/domains/"),
    Screen("mailboxes", "/cp/mail/"),
)

SUSPENDED = (
    Screen("closed", "/cp/", status=403),
    Screen("invoices", "/cp/billing/"),
)


def facts(world: World) -> dict[str, object]:
    """What the addresses above name."""
    return {
        **{f"draft_{step}": row.token for step, row in world.drafts.items()},
        **_signups(world),
        **mail_world.build(world.house, world.account),
        "account": world.account.pk,
        "plain": world.plain.pk,
        "suspended": world.suspended.pk,
        "plan": world.house.plan.pk,
        "moderated": world.moderated().pk,
        "mailbox": world.mailbox().pk,
        "mail_domain": world.mail_domain(),
        "invoice": world.invoice().pk,
        "group_done": world.group(world.account),
        "group_failed": world.group(world.troubled),
        "group_running": world.group(world.working),
        **{f"job_{state}": world.job(JobState(state)) for state in
           ("done", "failed", "dead", "running", "cancelled")},
    }  # fmt: skip


def _signups(world: World) -> dict[str, str]:
    """Signups in every state, at the moment they are needed (the gateway has its say)."""
    gateway = world.gateway
    card = {name: send(fill(world, login=f"{name}-card", payment="card")) for name in ("sent", "waiting")}
    declined = send(fill(world, login="declined-card", payment="card"))
    rejected, done = send(fill(world, login="rejected")), send(fill(world, login="approved"))
    world.settle(rejected, done)
    return {
        "sent_check": send(fill(world, login="checker")).token,
        "sent_card": card["sent"].token,
        "sent_done": done.token,
        "sent_rejected": rejected.token,
        "declined": declined.card_payment.token,
        "waiting": card["waiting"].card_payment.token,
        "gateway": gateway.name,
    }
