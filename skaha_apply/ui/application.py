"""The responses of the server: the page, its data, and refusals. Only GET is known, and nothing is changed.

All links are relative, so a proxy can put the page below a prefix. It can remove the prefix from requests or keep it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from skaha_apply.ui.headers import add_security, page_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from starlette.types import Receive, Scope, Send

    from skaha_apply.ui.access import Access
    from skaha_apply.ui.feed import PageContent, PageFeed

DATA = "data.json"
_ICON = "favicon.ico"  # a browser asks for it by itself
# A browser sends no SameSite=Strict cookie along a redirect that begins with a link on another site. A page that loads
# the next one by itself begins on its own site.
_CONTINUE = '<!doctype html><html lang="en"><meta http-equiv="refresh" content="0; url=./"><title>skaha-apply</title>'


class PageApplication:
    """The ASGI application of one server.

    `draw` returns the page for a value, and `sources` is its policy: see `page_policy`. `prefix` is that of the proxy,
    or "".
    """

    def __init__(
        self, access: Access, feed: PageFeed, draw: Callable[[Mapping[str, Any]], str], sources: str, prefix: str
    ) -> None:
        self._access, self._feed, self._draw, self._policy = access, feed, draw, page_policy(sources)
        self._prefix = unquote(prefix).rstrip("/")
        self._page: tuple[str, bytes] | None = None  # tag and page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        response = await self._respond(Request(scope))
        add_security(response.headers)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        host, query = request.headers.get("host", ""), str(request.scope["query_string"], "latin-1")
        if not self._access.accepts_host(host, query):
            return _refusal(421, "this server has another name: use the address that skaha-apply ui printed")
        if request.method != "GET":
            return _refusal(405, "this page only shows: it accepts GET", {"Allow": "GET"})
        if self._prefix and request.url.path == self._prefix:  # relative links need the slash
            return _redirect(f"{self._prefix.rpartition('/')[2]}/?{query}".removesuffix("?"))
        name = self._name(request.url.path)
        if name == "" and (cookie := self._access.use_token(host, query)) is not None:
            return self._with_cookie(request, cookie)
        return await self._shown(request, name, query)

    async def _shown(self, request: Request, name: str | None, query: str) -> Response:
        """What the browser with the cookie gets."""
        if not self._access.knows(request.headers.get("cookie", "")):
            return _refusal(403, "the token is missing, wrong or used: start skaha-apply ui again for a new address")
        if name == "":
            return _redirect("./") if query else self._page_response(await self._feed.current())
        if name == DATA:
            return _data_response(request, await self._feed.current())
        return Response(status_code=204) if name == _ICON else _refusal(404, "there is no such page")

    def _name(self, path: str) -> str | None:
        """The path below the prefix, which the proxy has removed or kept; None if it cannot be one."""
        if self._prefix and path.startswith(f"{self._prefix}/"):
            path = path.removeprefix(self._prefix)
        return path[1:] if path.startswith("/") else None

    def _with_cookie(self, request: Request, cookie: str) -> Response:
        crosses = request.headers.get("sec-fetch-site", "") == "cross-site"
        response = Response(_CONTINUE, media_type="text/html") if crosses else _redirect("./")
        # Without a path, the cookie belongs to the folder of the address as the browser sees it, prefix included.
        secure = "; Secure" if request.headers.get("x-forwarded-proto") == "https" else ""
        response.headers["Set-Cookie"] = f"{self._access.cookie_name}={cookie}; HttpOnly; SameSite=Strict{secure}"
        return response

    def _page_response(self, content: PageContent) -> Response:
        if self._page is None or self._page[0] != content.tag:
            self._page = (content.tag, self._draw(content.value).encode("utf-8", "replace"))
        return Response(self._page[1], media_type="text/html", headers={"Content-Security-Policy": self._policy})


def _data_response(request: Request, content: PageContent) -> Response:
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    headers = {"ETag": content.tag}
    if content.tag in known:
        return Response(status_code=304, headers=headers)
    return Response(content.text, media_type="application/json", headers=headers)


def _redirect(place: str) -> Response:
    return Response(status_code=303, headers={"Location": place})


def _refusal(code: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(f"{code}: {text}\n", status_code=code, media_type="text/plain", headers=headers)
