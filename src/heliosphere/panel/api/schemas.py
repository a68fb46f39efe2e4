"""What goes in and out of the API. Money is minor units beside a currency; times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from ninja import Schema
from pydantic import ConfigDict, Field

MINOR = 10**15
T = TypeVar("T")

Minor = Annotated[int, Field(ge=0, le=MINOR)]
Units = Annotated[int, Field(ge=0, le=10**9)]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Text80 = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$")]
Text200 = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Text300 = Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]


class Body(Schema):
    """What comes in: JSON types are taken as they are, 0 is not false and "1" is not 1."""

    model_config = ConfigDict(strict=True)


class Page(Schema, Generic[T]):
    """One page of a list; `count` is of all rows that match."""

    items: list[T]
    count: int
    limit: int
    offset: int


class Me(Schema):
    role: str
    label: str
    provider_id: int | None
    account_id: int | None
    scopes: list[str]


class ResourceTermsBody(Body):
    type: Annotated[str, Field(max_length=40)]
    setup_minor: Minor = 0
    recurrent_minor: Minor = 0
    usage_minor: Minor = 0
    free_units: Units = 0
    max_units: Units | None = None
    activated: bool = True


class PeriodBody(Body):
    unit: Literal["day", "week", "month", "year"]
    size: Annotated[int, Field(ge=1, le=3650)]
    setup_discount: Annotated[int, Field(ge=0, le=10000)] = 0
    recurrent_discount: Annotated[int, Field(ge=0, le=10000)] = 0
    usage_discount: Annotated[int, Field(ge=0, le=10000)] = 0


class PeriodOut(PeriodBody):
    id: int


class PlanBody(Body):
    """Discounts are in hundredths of a per cent, prices for one month and unit in minor units."""

    name: Text80
    description: Text300 = ""
    access: Literal["public", "admin"] = "public"
    billing_type: Literal["paid", "free"] = "paid"
    credit_limit_minor: Minor = 0
    resources: Annotated[list[ResourceTermsBody], Field(max_length=200)]
    periods: Annotated[list[PeriodBody], Field(max_length=50)]


class PlanOut(Schema):
    id: int
    name: str
    description: str
    access: str
    billing_type: str
    currency: str
    credit_limit_minor: int
    signup_on: bool
    resources: list[ResourceTermsBody]
    periods: list[PeriodOut]


class Switch(Body):
    on: bool


class ContactBody(Body):
    first_name: Text80
    last_name: Text80
    address: Text200
    city: Text200
    postal_code: Text200
    country: Annotated[str, Field(min_length=2, max_length=2)]
    email: Text300
    company: Text200 = ""
    state: Text200 = ""
    phone: Text200 = ""


class SignupBody(Body):
    """A whole signup in one call; payment by check, or nothing to pay."""

    plan_id: Id
    period_id: Id
    domain_kind: Literal["third_level", "existing", "none"] = "none"
    domain: Text300 = ""
    contact: ContactBody
    login: Text80
    password: Annotated[str, Field(min_length=10, max_length=128, pattern=r"^[^\x00]*$")]


class SignupOut(Schema):
    id: int
    state: str
    login: str
    domain: str
    plan_id: int
    total_minor: int
    currency: str
    account_id: int | None
    job_group_id: int | None


class ApproveBody(Body):
    check_number: Annotated[str, Field(max_length=60, pattern=r"^[^\x00]*$")] = ""
    amount_minor: Minor | None = None


class ReasonBody(Body):
    reason: Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00]*$")]


class AccountOut(Schema):
    id: int
    login: str
    plan_id: int | None
    state: str
    currency: str
    balance_minor: int
    credit_limit_minor: int
    period_begin: date | None
    period_end: date | None
    suspend_reason: str


class PaymentBody(Body):
    method: Literal["check", "other"]
    amount_minor: Annotated[int, Field(ge=1, le=MINOR)]
    reference: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00]*$")]
    comment: Text200 = ""


class PaymentOut(Schema):
    id: int
    method: str
    amount_minor: int
    currency: str
    reference: str
    received_at: datetime


class DomainOut(Schema):
    id: int
    name: str
    kind: str
    account_id: int | None


class RecordSetOut(Schema):
    name: str
    type: str
    ttl: int
    values: list[str]


class ZoneOut(Schema):
    """A zone as the name servers should have it; names are absolute."""

    name: str
    reality: str
    nameservers: list[str]
    hostmaster: str
    records: list[RecordSetOut]


class MailDomainOut(Schema):
    id: int
    name: str
    account_id: int
    reality: str


class MailboxBody(Body):
    mail_domain_id: Id
    local: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
    password: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]
    quota_mb: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    comment: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")] = ""


class MailboxChange(Body):
    password: Annotated[str, Field(max_length=128, pattern=r"^[^\x00]*$")] | None = None
    quota_mb: Annotated[int, Field(ge=0, le=1_000_000)]
    comment: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")] = ""


class MailboxOut(Schema):
    id: int
    address: str
    quota_mb: int
    comment: str
    reality: str
    removing: bool


class InvoiceLineOut(Schema):
    kind: str
    resource: str
    description: str
    units: int
    amount_minor: int
    begin: date
    end: date


class InvoiceTaxOut(Schema):
    description: str
    rate_ppm: int
    amount_minor: int


class InvoiceOut(Schema):
    id: int
    number: int
    account_id: int
    issued_on: date
    currency: str
    subtotal_minor: int
    tax_minor: int
    total_minor: int
    paid_at: datetime | None
    lines: list[InvoiceLineOut]
    taxes: list[InvoiceTaxOut]


class JobOut(Schema):
    id: int
    kind: str
    title: str
    state: str
    node: str
    object_key: str
    attempts: int
    group_id: int | None
    account_id: int | None
    code: str
    message: str
    advice: str
    step: int
    steps: int
    created_at: datetime
    finished_at: datetime | None


class JobLogOut(Schema):
    at: datetime
    level: str
    text: str


class TaxBody(Body):
    """`rate_ppm` is in parts per million: 19 % is 190000."""

    description: Text80
    rate_ppm: Annotated[int, Field(ge=0, le=1_000_000)]
    country: Annotated[str, Field(max_length=2, pattern=r"^([A-Za-z]{2})?$")] = ""
    inside: bool = True


class TaxOut(Schema):
    id: int
    description: str
    rate_ppm: int
    country: str
    inside_country: bool


class PaymentSettings(Body):
    accept_checks: bool
    accept_cards: bool


class Company(Body):
    name: Annotated[str, Field(min_length=1, max_length=150, pattern=r"^[^\x00]*$")]
    address: Annotated[str, Field(max_length=255, pattern=r"^[^\x00]*$")] = ""
    email: Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^\x00\s@]+@[^\x00\s@]+$")]
    phone: Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")] = ""
    website: Annotated[str, Field(max_length=200, pattern=r"^(https?://[^\x00\s]+)?$")] = ""
    checks_info: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] = ""


class PhysicalServerOut(Schema):
    id: int
    name: str
    ip: str
    node: str


class EventOut(Schema):
    """One entry of the audit trail."""

    id: int
    at: datetime
    actor: str
    name: str
    text: str
    subject_kind: str
    subject_id: int | None
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class LogicalServerOut(Schema):
    id: int
    name: str
    kind: str
    physical: str
    signup_on: bool


class TokenBody(Body):
    name: Text80
    scopes: Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=20)] = []
    days: Annotated[int, Field(ge=1, le=3650)] | None = None


class TokenOut(Schema):
    id: int
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None


class NewToken(Schema):
    """The token is shown here once and never again."""

    token: str


class ControlOut(Schema):
    """A setting of mail servers. `default` as it is typed; null: the server's name, or no entries."""

    name: str
    kind: Literal["flag", "number", "text", "lines"]
    stage: str
    summary: str
    caution: str
    example: str
    since: str
    default: str | None
    at_least: int | None
    at_most: int | None
    empty_means: str
    needs_restart: bool


class ControlProblem(Schema):
    """`line` counts from 1; 0 means the value as a whole. A remark is used all the same."""

    line: int
    found: str
    why: str
    is_remark: bool


class ControlStateOut(Schema):
    """`text` is the file as it stands, null where it is not set."""

    name: str
    text: str | None
    source: str
    problems: list[ControlProblem]


class ControlsOut(Schema):
    """The settings as read last; `read_at` null before that. `trouble`: why a later reading failed."""

    read_at: datetime | None
    trouble: str
    controls: list[ControlStateOut]


ControlText = Annotated[str, Field(max_length=1_000_000, pattern=r"^[^\x00]*$")]
ControlName = Annotated[str, Field(max_length=60)]
Word = Annotated[str, Field(max_length=320, pattern=r"^[^\x00-\x20\x7f<>]*$")]
Part = Annotated[str, Field(max_length=320, pattern=r"^[^\x00]*$")]


class ControlsBody(Body):
    """New texts by name; null for the default. What is not named stays."""

    values: Annotated[dict[ControlName, ControlText | None], Field(max_length=200)]


class ControlsChanged(Schema):
    """`job_id` null: the server has these settings already."""

    job_id: int | None
    remarks: list[str]


class WhatIfBody(ControlsBody):
    count: Annotated[int, Field(ge=1, le=100)] = 100


class ExplainBody(Body):
    """A session to go through. An empty sender is a bounce; `message` null stops after the recipients."""

    ip: Annotated[str, Field(max_length=45)]
    helo: Word
    sender: Word = ""
    recipients: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=320, pattern=r"^[^\x00-\x20\x7f<>]+$")]],
        Field(min_length=1, max_length=50),
    ]
    login: Word = ""
    submission: bool = False
    tls: bool = False
    size: Annotated[int, Field(ge=0, le=10**12)] = 0
    message: Annotated[str, Field(max_length=1_048_576, pattern=r"^[^\x00]*$")] | None = None


class SessionsBody(Body):
    """Parts of what is looked for. `number` finds one session, with its trace."""

    sender: Part = ""
    recipient: Part = ""
    ip: Annotated[str, Field(max_length=45, pattern=r"^[^\x00]*$")] = ""
    number: Annotated[str, Field(max_length=70, pattern=r"^([0-9]{8}-[A-Za-z0-9._-]+)?$")] = ""
    only_refused: bool = False
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class MailQuestionOut(Schema):
    """A question to a mail server; ask again for it until its state is no longer waiting.

    `answer` has the fields of the kind: `controls`, `stories` (explain), `sessions` (sessions, session), or
    `tried`, `changes` and `problems` (what-if). It is kept for a day.
    """

    id: int
    kind: Literal["controls", "explain", "sessions", "session", "what-if"]
    server_id: int
    state: Literal["waiting", "answered", "failed"]
    asked_at: datetime
    message: str
    advice: str
    answer: dict[str, Any] | None
