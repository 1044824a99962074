"""The few requests to the API of GitHub, each with a limit of size and of time. The token goes to that API only."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from skaha_apply.model.errors import SkahaApplyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIMEOUT = 20.0  # seconds
LARGEST = 16 * 1024 * 1024  # bytes of a response in JSON
PAGES = 30  # of 100 items
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_PERMISSION = "Give the job the permissions that the example of this workflow has."


class GitHub:
    """The API for one repository.

    Raises `UsageError` if the variables of the runner are missing, or the address is not safe for a token.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.repository = environ.get("GITHUB_REPOSITORY", "")
        self._address = environ.get("GITHUB_API_URL", "").rstrip("/")
        self._token = environ.get("GITHUB_TOKEN", "")
        if not _REPOSITORY.fullmatch(self.repository) or not _is_safe(self._address):
            raise UsageError("GITHUB_REPOSITORY or GITHUB_API_URL is missing", hint="run this step in a GitHub job")
        if not self._token:
            raise UsageError(
                "GITHUB_TOKEN is missing", hint="write `env: {GITHUB_TOKEN: ${{ github.token }}}` in the step"
            )

    def read(self, path: str) -> Any:
        """A JSON value; `path` begins with `/` and follows the address of the repository."""
        return _parsed(self._send("GET", path))

    def pages(self, path: str, key: str = "") -> Iterator[dict[str, Any]]:
        """The items of a list of several pages. `path` has a query. `key` is that of the list in a page."""
        for page in range(1, PAGES + 1):
            found = self.read(f"{path}&per_page=100&page={page}")
            items = found.get(key, []) if key else found
            yield from items
            if len(items) < 100:  # noqa: PLR2004 - a page that is not full is the last one
                return

    def write(self, method: str, path: str, document: Mapping[str, Any]) -> None:
        """Send a JSON value; the response is not read."""
        self._send(method, path, json.dumps(document).encode())

    def download(self, path: str, largest: int) -> bytes:
        """A file behind a redirect, which is followed once, without the token.

        Raises `SkahaApplyError` if it has more than `largest` bytes.
        """
        try:
            with self._open("GET", path) as response:
                return _read(response, largest)
        except HTTPError as error:
            target = error.headers.get("Location", "")
            if error.code not in (301, 302, 307, 308) or not _is_safe(target):
                raise _refused("GET", path, error) from None
        try:
            with build_opener(_NoRedirect).open(Request(target), timeout=TIMEOUT) as response:  # noqa: S310 - checked
                return _read(response, largest)
        except (URLError, OSError) as error:
            raise SkahaApplyError(f"the artifact cannot be read: {getattr(error, 'reason', error)}") from None

    def _send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        try:
            with self._open(method, path, body) as response:
                return _read(response, LARGEST)
        except HTTPError as error:
            raise _refused(method, path, error) from None
        except (URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise SkahaApplyError(f"GitHub cannot be reached: {reason}", hint="run the job again") from None

    def _open(self, method: str, path: str, body: bytes | None = None) -> Any:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "skaha-apply",
        }
        address = f"{self._address}/repos/{self.repository}{path}"
        request = Request(address, data=body, headers=headers, method=method)  # noqa: S310 - checked in __init__
        return build_opener(_NoRedirect).open(request, timeout=TIMEOUT)


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect, which would send the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        """Let the redirect become an error."""


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _read(response: Any, largest: int) -> bytes:
    data: bytes = response.read(largest + 1)
    if len(data) > largest:
        raise SkahaApplyError(f"a response of GitHub has more than {largest} bytes, and was not read")
    return data


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise SkahaApplyError("a response of GitHub is not JSON", hint="run the job again") from None


def _refused(method: str, path: str, error: HTTPError) -> SkahaApplyError:
    hint = _PERMISSION if error.code in (401, 403, 404) else "Run the job again."
    return SkahaApplyError(f"GitHub refuses {method} {path.partition('?')[0]}: {error.code} {error.reason}", hint=hint)
