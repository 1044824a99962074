"""Posts a notice to an address. No credential of the tool goes with it, and no redirect is followed."""

from __future__ import annotations

from skaha_apply.model.project import NotSent

_TOO_MANY, _TIMED_OUT, _SERVER = 429, 408, 500
_LAST_PORT = 65535
_HEADERS = {"Content-Type": "application/json"}


async def post(url: str, content: bytes, seconds: float) -> None:
    """Send one POST with JSON.

    Args:
        url: http or https; the text of an error never contains it.
        content: the body.
        seconds: the time limit of each step of the request.

    Raises:
        NotSent: the address is not valid, there is no response, or its status is not 2xx.
    """
    from skaha_apply.lean_httpx import httpx  # noqa: PLC0415 - for an invocation that sends a notice

    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise NotSent("the address is not valid", can_be_repeated=False) from None
    if address.scheme not in ("http", "https") or not address.host:
        raise NotSent("the address is not an http or https address", can_be_repeated=False)
    if (address.port or 0) > _LAST_PORT:
        raise NotSent("the address has no valid port", can_be_repeated=False)
    try:
        client = httpx.AsyncClient(timeout=seconds, follow_redirects=False)
    except (ImportError, OSError, ValueError) as error:  # what HTTPS_PROXY, SSL_CERT_FILE and the like name
        why = f"the proxy or the certificates of the environment cannot be used ({type(error).__name__})"
        raise NotSent(why, can_be_repeated=False) from None
    try:
        async with client, client.stream("POST", address, content=content, headers=_HEADERS) as response:
            status = response.status_code  # the body is not read: it can be endless
    except httpx.InvalidURL:
        raise NotSent("the address is not valid", can_be_repeated=False) from None
    except (httpx.HTTPError, OSError, ValueError) as error:
        raise NotSent(f"no response ({type(error).__name__})") from None
    if not response.is_success:
        again = status in (_TIMED_OUT, _TOO_MANY) or status >= _SERVER
        raise NotSent(f"the address responded with {status}", can_be_repeated=again)
