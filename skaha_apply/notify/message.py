"""A notice without sensitive values, as JSON, and as variables of the environment of a command."""

from __future__ import annotations

import json
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from skaha_apply.model.masking.secrets import masked
from skaha_apply.model.project import NOTICE_FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.project import Notice

# Variables of the tool, of the client and of state stores: they can hold credentials and values of variables.
_PRIVATE = ("SKAHA_", "CANFAR_", "TF_HTTP_")


def masked_notice(notice: Notice, secrets: Mapping[str, str]) -> Notice:
    """The notice without values of sensitive variables in its text and its causes."""
    causes = tuple(replace(one, cause=masked(one.cause, secrets)) for one in notice.causes)
    return replace(notice, text=masked(notice.text, secrets), causes=causes)


def document(notice: Notice) -> dict[str, Any]:
    """The notice as a JSON value. `text` is a line for people, under the key that chat services read.

    Slack and Mattermost read `<!channel>` as a mention and `<...>` as a link. A cause can be any line of a log. So
    `&`, `<` and `>` of `text` are written as these services document: `&amp;`, `&lt;` and `&gt;`.
    """
    return {
        "format_version": NOTICE_FORMAT,
        "id": notice.id,
        "event": notice.event.value,
        "project": notice.project,
        "server": notice.server,
        "text": escape(notice.text, quote=False),
        "total": notice.total,
        "counts": dict(notice.counts),
        "causes": [{"cause": one.cause, "count": one.count, "names": list(one.names)} for one in notice.causes],
    }


def body(notice: Notice) -> bytes:
    """The notice as JSON in UTF-8; `?` for a half of a surrogate pair, which UTF-8 does not have."""
    return json.dumps(document(notice), ensure_ascii=False).encode(errors="replace")


def variables(notice: Notice, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command: that of the invocation without credentials, and the parts of the notice."""
    kept = {name: value for name, value in environ.items() if not name.startswith(_PRIVATE)}
    return {
        **kept,
        "SKAHA_APPLY_EVENT": notice.event.value,
        "SKAHA_APPLY_NOTICE_ID": notice.id,
        "SKAHA_APPLY_PROJECT": notice.project,
        "SKAHA_APPLY_TEXT": notice.text.replace("\0", "").encode(errors="replace").decode(),
        "SKAHA_APPLY_TOTAL": str(notice.total),
        "SKAHA_APPLY_DONE": str(notice.counts.get("done", 0)),
        "SKAHA_APPLY_FAILED": str(notice.counts.get("failed", 0)),
    }
