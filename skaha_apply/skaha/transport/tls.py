"""TLS: the trusted certificates, the certificate of the user, and the subject of an untrusted certificate."""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import certifi

from skaha_apply.model.errors import Unauthorized, UsageError
from skaha_apply.skaha.auth.certificate import read_certificate
from skaha_apply.skaha.auth.login import RENEW_CERTIFICATE

if TYPE_CHECKING:
    from skaha_apply.skaha.auth.login import Login

_ATTRIBUTES = {"550403": "CN", "55040a": "O", "55040b": "OU", "550406": "C"}  # [RFC 4519, 2]
_LIMIT = 3.0  # seconds to find the subject of a certificate for a message


def tls_context(login: Login) -> ssl.SSLContext:
    """The trusted certificates, from SSL_CERT_FILE or SSL_CERT_DIR if set, and the certificate of the user.

    Raises `UsageError` if the trusted certificates cannot be read, `Unauthorized` if OpenSSL refuses that of the user.
    """
    try:
        context = _trusting_context()
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"the certificates in SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error}",
            hint="correct or unset these variables",
        ) from None
    context.set_alpn_protocols(["http/1.1"])
    if login.pem is None:
        return context
    try:
        # Python loads keys for OpenSSL only from files; only the user can read this file.
        with tempfile.TemporaryDirectory(prefix="skaha-apply-") as folder:
            path = Path(folder) / "certificate.pem"
            path.write_text(login.pem.reveal(), encoding="ascii", errors="replace")
            context.load_cert_chain(path, password=lambda: "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "it cannot be read"
        raise Unauthorized(
            f"the certificate from {login.source} cannot be used: {reason}",
            hint=f"get a new one without a password: {RENEW_CERTIFICATE}",
        ) from None
    return context


def _trusting_context() -> ssl.SSLContext:
    """A context that trusts the certificates that the environment names, else those of Mozilla."""
    if file := os.environ.get("SSL_CERT_FILE"):
        return ssl.create_default_context(cafile=file)
    if folder := os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context(capath=folder)
    return ssl.create_default_context(cafile=certifi.where())


async def peer_subject(host: str, port: int) -> str | None:
    """The subject of the certificate that a host presents, as `CN=..., O=...`; None if it cannot be found.

    The connection trusts any certificate, because it serves only for a message. Nothing is sent over it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(_LIMIT):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
        presented = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        subject = read_certificate(ssl.DER_cert_to_PEM_cert(presented)).subject
    except (OSError, ValueError, TimeoutError):
        return None
    named = [f"{_ATTRIBUTES[kind]}={value}" for kind, value in subject if kind in _ATTRIBUTES]
    return ", ".join(named) or None
