"""Posts a notice to an address. No credential of the tool goes with it, and no redirect is followed."""

from __future__ import annotations

from skaha_apply.model.project import NotSent

_TOO_MANY, _TIMED_OUT, _SERVER = 429, 408, 500


async def post(url: str, content: bytes, seconds: float) -> None:
    """Send one POST with JSON.

    Args:
        url: http or https; the text of an error never contains it.
        content: the body.
        seconds: the time limit of each step of the request.

    Raises:
        NotSent: the address is not valid, there is no response, or its status is not 2xx.
    """
    import httpx  # noqa: PLC0415 - for an invocation that sends a notice

    try:
        if httpx.URL(url).scheme not in ("http", "https") or not httpx.URL(url).host:
            raise NotSent("the address is not an http or https address", can_be_repeated=False)
        async with httpx.AsyncClient(timeout=seconds, follow_redirects=False) as client:
            response = await client.post(url, content=content, headers={"Content-Type": "application/json"})
    except httpx.InvalidURL:
        raise NotSent("the address is not valid", can_be_repeated=False) from None
    except httpx.HTTPError as error:
        raise NotSent(f"no response ({type(error).__name__})") from None
    if not response.is_success:
        status = response.status_code
        again = status in (_TIMED_OUT, _TOO_MANY) or status >= _SERVER
        raise NotSent(f"the address responded with {status}", can_be_repeated=again)
