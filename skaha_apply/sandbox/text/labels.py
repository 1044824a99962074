"""Label values of Kubernetes as the server checks them: session IDs, app IDs, listed names.

Source: [SessionLabels].
"""

from __future__ import annotations

import re

from skaha_apply.sandbox.http.responses import bad_request

ID, NAME, APP_ID = "canfar.net/id", "canfar.net/name", "canfar.net/app-id"
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LONGEST = 63


def check_label(label: str, value: str) -> None:
    """Raise Refusal with 400 if `value` is not a label value."""
    if not value.strip():
        raise bad_request(f"{label} label value cannot be blank")
    if len(value) > _LONGEST:
        raise bad_request(f"{label} label value exceeds 63 characters")
    if not _LABEL_VALUE.fullmatch(value):
        raise bad_request(f"{label} label value must match Kubernetes label value syntax")


def listed_name(name: str) -> str:
    """Return the listed name: cut at 63 characters, then at the last letter or digit; 400 if it is then empty."""
    label = name[:_LONGEST]
    while label and not _LABEL_VALUE.fullmatch(label):
        label = label[:-1]
    check_label(NAME, label)
    return label
