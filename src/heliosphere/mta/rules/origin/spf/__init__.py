"""May this client use this domain as sender? SPF as RFC 7208 has it, with qmail's local rules.

`check_host` asks the DNS by yielding questions (see `dns_facts.Asking`) and ends with an `SpfResult`.
"""

from heliosphere.mta.rules.origin.spf.evaluate import check_host
from heliosphere.mta.rules.origin.spf.explain import DEFAULT_EXPLANATION, explanation_problem
from heliosphere.mta.rules.origin.spf.local import guess_problem, rules_problem, rules_warning
from heliosphere.mta.rules.origin.spf.received import received_spf_field
from heliosphere.mta.rules.origin.spf.values import (
    RFC_7208,
    SpfLimits,
    SpfRequest,
    SpfResult,
    SpfSource,
    SpfStatus,
)
from heliosphere.mta.rules.origin.spf.verdict import Verdict, verdict_of

__all__ = [
    "DEFAULT_EXPLANATION",
    "RFC_7208",
    "SpfLimits",
    "SpfRequest",
    "SpfResult",
    "SpfSource",
    "SpfStatus",
    "Verdict",
    "check_host",
    "explanation_problem",
    "guess_problem",
    "received_spf_field",
    "rules_problem",
    "rules_warning",
    "verdict_of",
]
