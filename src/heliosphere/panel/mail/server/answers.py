"""What pages that wait for an answer have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from heliosphere.panel.accounts.doors import PanelRequest
from heliosphere.panel.mail.server.models import Question

#: After this long the page says that the server seems to be away.
LATE = timedelta(seconds=30)


def asking(request: PanelRequest, question: Question) -> dict[str, Any]:
    """Where the question stands; `poll_url` only while an answer may still come."""
    job = question.job
    waits = question.state == "waiting"
    return {
        "question_state": question.state,
        "poll_url": request.get_full_path() if waits else "",
        "is_late": waits and request.clock() - question.asked_at > LATE,
        "done": job.step,
        "total": job.steps,
        "failure": job.message,
        "advice": job.advice,
    }


def wants_part(request: PanelRequest) -> bool:
    """Reached by htmx: only the moving part."""
    return request.headers.get("HX-Request") == "true"
