"""API of plans, signups, accounts and money."""

from __future__ import annotations

from typing import Annotated, Any

from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse
from ninja import Path, Router, Status

from heliosphere.panel.accounts.models import Account
from heliosphere.panel.accounts.queries import provider_of
from heliosphere.panel.accounts.rules import staff_agent
from heliosphere.panel.api import schemas, shapes
from heliosphere.panel.api.auth import acting
from heliosphere.panel.api.paging import Asked, page
from heliosphere.panel.api.problems import COMMON
from heliosphere.panel.billing import queries as billing_queries
from heliosphere.panel.billing import services as billing
from heliosphere.panel.billing.models import Invoice, PaymentMethod, Tax
from heliosphere.panel.billing.pdf import invoice_pdf
from heliosphere.panel.catalog import queries as catalog_queries
from heliosphere.panel.catalog import services as catalog
from heliosphere.panel.catalog.models import Plan
from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES, Measure
from heliosphere.panel.catalog.rules import PeriodTerms, ResourceTerms
from heliosphere.panel.hosting import queries as hosting_queries
from heliosphere.panel.hosting import services as hosting
from heliosphere.panel.platform.errors import NotYours
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.signup import services as signup
from heliosphere.panel.signup.models import SignupRequest

router = Router()
Key = Annotated[int, Path(ge=1, le=2**63 - 1)]


def _terms(body: schemas.PlanBody) -> dict[str, Any]:
    return {
        "resources": [_resource(line) for line in body.resources],
        "periods": [PeriodTerms(**line.model_dump()) for line in body.periods],
    }


def _resource(line: schemas.ResourceTermsBody) -> ResourceTerms:
    declared = RESOURCE_TYPES.get(line.type)
    is_switch = declared is not None and declared.measure == Measure.SWITCH
    return ResourceTerms(**line.model_dump(), is_switch=is_switch)


def _plan(actor: Principal, key: int) -> Plan:
    row: Plan | None = (
        catalog_queries.plans(actor).prefetch_related("resources", "periods").filter(pk=key).first()
    )
    if row is None:
        raise NotYours()
    return row


@router.get("/plans", response={200: schemas.Page[schemas.PlanOut], **COMMON}, tags=["plans"])
def list_plans(request: HttpRequest, asked: Asked) -> Any:
    """Plans of the provider. `q` looks in the name."""
    rows = catalog_queries.plans(acting(request, "read", staff=True)).prefetch_related("resources", "periods")
    return page(rows, asked, shapes.plan, text=("name",))


@router.post("/plans", response={201: schemas.PlanOut, **COMMON}, tags=["plans"])
def create_plan(request: HttpRequest, body: schemas.PlanBody) -> Any:
    """A new plan, closed for signup."""
    actor = acting(request, "plans", staff=True)
    row = catalog.create_plan(
        provider=provider_of(actor),
        name=body.name,
        description=body.description,
        access=body.access,
        billing_type=body.billing_type,
        credit_limit_minor=body.credit_limit_minor,
        actor=actor,
        now=request.clock(),  # type: ignore[attr-defined]
        **_terms(body),
    )
    return Status(201, shapes.plan(row))


@router.get("/plans/{key}", response={200: schemas.PlanOut, **COMMON}, tags=["plans"])
def get_plan(request: HttpRequest, key: Key) -> Any:
    return shapes.plan(_plan(acting(request, "read", staff=True), key))


@router.put("/plans/{key}", response={200: schemas.PlanOut, **COMMON}, tags=["plans"])
def change_plan(request: HttpRequest, key: Key, body: schemas.PlanBody) -> Any:
    """What the plan sells from now on. The billing type stays as it was made."""
    actor = acting(request, "plans", staff=True)
    row = catalog.change_plan(
        _plan(actor, key),
        name=body.name,
        description=body.description,
        access=body.access,
        credit_limit_minor=body.credit_limit_minor,
        actor=actor,
        now=request.clock(),  # type: ignore[attr-defined]
        **_terms(body),
    )
    return shapes.plan(_plan(actor, row.pk))


@router.put("/plans/{key}/signup", response={200: schemas.PlanOut, **COMMON}, tags=["plans"])
def open_plan(request: HttpRequest, key: Key, body: schemas.Switch) -> Any:
    """Open or close the plan for signup."""
    actor = acting(request, "plans", staff=True)
    catalog.set_signup(_plan(actor, key), body.on, actor=actor, now=request.clock())  # type: ignore[attr-defined]
    return shapes.plan(_plan(actor, key))


@router.delete("/plans/{key}", response={204: None, **COMMON}, tags=["plans"])
def delete_plan(request: HttpRequest, key: Key) -> Any:
    """Only a plan that no account uses."""
    actor = acting(request, "plans", staff=True)
    catalog.delete_plan(_plan(actor, key), actor=actor, now=request.clock())  # type: ignore[attr-defined]
    return Status(204, None)


@router.get("/signups", response={200: schemas.Page[schemas.SignupOut], **COMMON}, tags=["signups"])
def list_signups(request: HttpRequest, asked: Asked) -> Any:
    """Signup requests, newest first. `q` looks in login and domain."""
    rows = SignupRequest.objects.of(acting(request, "read", staff=True)).order_by("-id")
    return page(rows, asked, shapes.signup, text=("login", "domain"), state="state")


@router.post("/signups", response={201: schemas.SignupOut, **COMMON}, tags=["signups"])
def create_signup(request: HttpRequest, body: schemas.SignupBody) -> Any:
    """Sign a customer up. A paid plan waits for approval (by check); a free one opens at once."""
    actor = acting(request, "signups", staff=True)
    now = request.clock()  # type: ignore[attr-defined]
    row = signup.start(_plan(actor, body.plan_id), by_staff=True, address=actor.address, now=now)
    signup.choose_period(row, body.period_id)
    signup.choose_domain(row, body.domain_kind, body.domain)
    signup.give_contact(row, body.contact.model_dump())
    signup.choose_payment(row, "free" if row.plan.billing_type == "free" else "check")
    signup.choose_login(row, body.login, make_password(body.password))
    total = signup.preview(row, now.date()).total_minor
    return Status(
        201, shapes.signup(signup.submit(row, shown_total=total, return_url="", actor=actor, now=now))
    )


@router.get("/signups/{key}", response={200: schemas.SignupOut, **COMMON}, tags=["signups"])
def get_signup(request: HttpRequest, key: Key) -> Any:
    return shapes.signup(SignupRequest.objects.one(acting(request, "read", staff=True), pk=key))


@router.post("/signups/{key}/approve", response={200: schemas.SignupOut, **COMMON}, tags=["signups"])
def approve_signup(request: HttpRequest, key: Key, body: schemas.ApproveBody) -> Any:
    """Open the account. With a check number its payment is booked too. Again: nothing more happens."""
    actor = acting(request, "signups", staff=True)
    row = signup.approve(
        SignupRequest.objects.one(actor, pk=key),
        check_number=body.check_number,
        amount_minor=body.amount_minor,
        actor=actor,
        now=request.clock(),  # type: ignore[attr-defined]
    )
    return shapes.signup(row)


@router.post("/signups/{key}/reject", response={200: schemas.SignupOut, **COMMON}, tags=["signups"])
def reject_signup(request: HttpRequest, key: Key, body: schemas.ReasonBody) -> Any:
    actor = acting(request, "signups", staff=True)
    row = SignupRequest.objects.one(actor, pk=key)
    signup.reject(row, reason=body.reason, actor=actor, now=request.clock())  # type: ignore[attr-defined]
    row.refresh_from_db()
    return shapes.signup(row)


def _account(actor: Principal, key: int) -> Account:
    row: Account | None = hosting_queries.customer_accounts(actor).filter(pk=key).first()
    if row is None:
        raise NotYours()
    return row


@router.get("/accounts", response={200: schemas.Page[schemas.AccountOut], **COMMON}, tags=["accounts"])
def list_accounts(request: HttpRequest, asked: Asked) -> Any:
    """Customer accounts (a customer's token: the own one). `q` looks in the login."""
    rows = hosting_queries.customer_accounts(acting(request, "read"))
    return page(rows, asked, shapes.account, text=("user__login",), state="state")


@router.get("/accounts/{key}", response={200: schemas.AccountOut, **COMMON}, tags=["accounts"])
def get_account(request: HttpRequest, key: Key) -> Any:
    return shapes.account(_account(acting(request, "read"), key))


@router.post("/accounts/{key}/suspend", response={200: schemas.AccountOut, **COMMON}, tags=["accounts"])
def suspend_account(request: HttpRequest, key: Key, body: schemas.ReasonBody) -> Any:
    actor = acting(request, "accounts", staff=True)
    row, now = _account(actor, key), request.clock()  # type: ignore[attr-defined]
    hosting.suspend_account(row, reason=body.reason, agent=staff_agent(actor.role), actor=actor, now=now)
    return shapes.account(_account(actor, key))


@router.post("/accounts/{key}/resume", response={200: schemas.AccountOut, **COMMON}, tags=["accounts"])
def resume_account(request: HttpRequest, key: Key) -> Any:
    actor, now = acting(request, "accounts", staff=True), request.clock()  # type: ignore[attr-defined]
    hosting.resume_account(_account(actor, key), agent=staff_agent(actor.role), actor=actor, now=now)
    return shapes.account(_account(actor, key))


@router.get("/accounts/{key}/payments", response={200: list[schemas.PaymentOut], **COMMON}, tags=["money"])
def list_payments(request: HttpRequest, key: Key) -> Any:
    """The newest 200 payments of an account."""
    return list(billing_queries.payments_of(_account(acting(request, "read"), key))[:200])


@router.post("/accounts/{key}/payments", response={201: schemas.PaymentOut, **COMMON}, tags=["money"])
def book_payment(request: HttpRequest, key: Key, body: schemas.PaymentBody) -> Any:
    """Money that came in. The same method and reference again is the same payment."""
    actor = acting(request, "accounts", staff=True)
    row = billing.record_payment(
        _account(actor, key),
        method=PaymentMethod(body.method),
        amount_minor=body.amount_minor,
        reference=body.reference,
        comment=body.comment,
        actor=actor,
        now=request.clock(),  # type: ignore[attr-defined]
    )
    return Status(201, row)


@router.get("/invoices", response={200: schemas.Page[schemas.InvoiceOut], **COMMON}, tags=["money"])
def list_invoices(request: HttpRequest, asked: Asked) -> Any:
    """Invoices, newest first."""
    rows = billing_queries.invoices(acting(request, "read")).prefetch_related("lines", "taxes")
    return page(rows, asked, shapes.invoice)


@router.get("/invoices/{key}", response={200: schemas.InvoiceOut, **COMMON}, tags=["money"])
def get_invoice(request: HttpRequest, key: Key) -> Any:
    return shapes.invoice(Invoice.objects.one(acting(request, "read"), pk=key))


@router.get("/invoices/{key}/pdf", tags=["money"], response={200: None, **COMMON})
def get_invoice_pdf(request: HttpRequest, key: Key) -> HttpResponse:
    """The invoice as PDF."""
    row = Invoice.objects.one(acting(request, "read"), pk=key)
    return HttpResponse(invoice_pdf(row), content_type="application/pdf")


@router.get("/taxes", response={200: list[schemas.TaxOut], **COMMON}, tags=["settings"])
def list_taxes(request: HttpRequest) -> Any:
    return list(Tax.objects.of(acting(request, "read", staff=True)).order_by("id"))


@router.post("/taxes", response={201: schemas.TaxOut, **COMMON}, tags=["settings"])
def add_tax(request: HttpRequest, body: schemas.TaxBody) -> Any:
    """A tax on every invoice issued from now on."""
    actor = acting(request, "settings", staff=True)
    row = billing.add_tax(
        provider_id=provider_of(actor).pk,
        description=body.description,
        rate_ppm=body.rate_ppm,
        country=body.country.upper(),
        inside=body.inside,
        actor=actor,
        now=request.clock(),  # type: ignore[attr-defined]
    )
    return Status(201, row)


@router.delete("/taxes/{key}", response={204: None, **COMMON}, tags=["settings"])
def remove_tax(request: HttpRequest, key: Key) -> Any:
    actor = acting(request, "settings", staff=True)
    billing.remove_tax(Tax.objects.one(actor, pk=key), actor=actor, now=request.clock())  # type: ignore[attr-defined]
    return Status(204, None)


@router.get("/settings/payment", response={200: schemas.PaymentSettings, **COMMON}, tags=["settings"])
def get_payment_settings(request: HttpRequest) -> Any:
    return provider_of(acting(request, "read", staff=True))


@router.put("/settings/payment", response={200: schemas.PaymentSettings, **COMMON}, tags=["settings"])
def put_payment_settings(request: HttpRequest, body: schemas.PaymentSettings) -> Any:
    actor = acting(request, "settings", staff=True)
    billing.change_payment_settings(provider_of(actor), body.model_dump(), actor=actor, now=request.clock())  # type: ignore[attr-defined]
    return provider_of(actor)


@router.get("/settings/company", response={200: schemas.Company, **COMMON}, tags=["settings"])
def get_company(request: HttpRequest) -> Any:
    return provider_of(acting(request, "read", staff=True))


@router.put("/settings/company", response={200: schemas.Company, **COMMON}, tags=["settings"])
def put_company(request: HttpRequest, body: schemas.Company) -> Any:
    actor = acting(request, "settings", staff=True)
    hosting.change_company(provider_of(actor), body.model_dump(), actor=actor, now=request.clock())  # type: ignore[attr-defined]
    return provider_of(actor)
