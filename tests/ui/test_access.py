"""The live page is for one browser on this machine: every other request is refused."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import socket

import psutil
import pytest

from skaha_apply.ui.access import Access

HOSTILE_HOSTS = [
    "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1:80@evil.example", "0.0.0.0",
    "127.0.0.2", "[::]", "localhost:", "localhost:80:80", "localhost,evil.example", "2130706433",
]  # fmt: skip
METHODS = ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"]


@pytest.fixture(scope="module")
def page(live_page, server_less):
    """A page that is open in a browser."""
    return live_page(server_less).open()


@pytest.fixture
def newcomer(page):
    """Another client of the same server."""
    with page.browser() as client:
        yield client


def status_of(client, path="/", **headers):
    return client.get(path, headers=headers).status_code


def test_a_token_works_once_and_becomes_a_cookie_that_no_script_and_no_other_site_gets(live_page, server_less):
    page = live_page(server_less)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", page.address)
    with page.browser() as wrong:
        assert status_of(wrong, "/?token=wrong") == 403
    reply = page.http.get("/", params={"token": page.token})
    assert (reply.status_code, reply.headers["location"]) == (303, "./")
    cookie, *flags = reply.headers["set-cookie"].split("; ")
    assert flags == ["HttpOnly", "SameSite=Strict"]
    assert page.token not in cookie
    assert page.http.get("/").status_code == 200
    with page.browser() as second:
        assert status_of(second, f"/?token={page.token}") == 403
        assert "set-cookie" not in second.get(f"/?token={page.token}").headers
    # A browser that restores its tabs opens the address again.
    again = page.http.get("/", params={"token": page.token})
    assert (again.status_code, again.headers["location"]) == (303, "./")


@pytest.mark.parametrize(
    "query",
    ["", "?token=", "?token=%C3%A9%00", "?token=a&token=b", "?token", "?" + "token=x&" * 5000, "?token=" + "x" * 5000],
)
@pytest.mark.parametrize("path", ["/", "/data.json", "/favicon.ico", "/../etc/passwd", "//evil.example/"])
def test_without_the_cookie_everything_is_refused(newcomer, path, query):
    reply = newcomer.get(path + query)
    assert reply.status_code == 403
    assert "tile" not in reply.text


def test_a_cookie_must_be_the_one_of_this_server(page, newcomer):
    (name,) = page.http.cookies
    right = page.http.cookies[name]
    for value in ("", "x" * len(right), right[:-1], right + "x", "\xe9"):
        assert status_of(newcomer, Cookie=f"{name}={value}".encode("latin-1")) == 403
    assert status_of(newcomer, Cookie=f"other={right}") == 403
    # A site in the same browser can add a cookie of the same name, and must not lock the page out.
    assert status_of(newcomer, Cookie=f"{name}=x; {name}={right}; {name}=y") == 200


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_another_host_is_refused(page, host):
    assert status_of(page.http, Host=host) == 421
    assert status_of(page.http, "/data.json", Host=host) == 421


def test_a_request_without_a_host_is_refused(page):
    with socket.create_connection(("127.0.0.1", page.port), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.makefile("rb").readline().split()[1] == b"421"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
@pytest.mark.parametrize("port", ["", ":8888", ":1"])
def test_a_tunnel_can_have_any_local_port(page, host, port):
    assert status_of(page.http, Host=host + port) == 200


@pytest.mark.parametrize("method", METHODS)
def test_nothing_acts(page, newcomer, method):
    for client in (page.http, newcomer):
        for path in ("/", "/data.json", f"/?token={page.token}"):
            reply = client.request(method, path)
            assert (reply.status_code, reply.headers["allow"]) == (405, "GET")


def test_a_method_other_than_get_does_not_use_the_token(live_page, server_less):
    page = live_page(server_less)
    for method in METHODS:
        page.http.request(method, f"/?token={page.token}")
    page.open()


def policy_of(reply):
    directives = (one.split() for one in reply.headers["content-security-policy"].split("; "))
    return {name: sources for name, *sources in directives}


def digests(html, tag):
    """The digests of the inline scripts or styles that run, as a browser computes them."""
    texts = re.findall(rf"<{tag}(?![^>]*application/json)[^>]*>(.*?)</{tag}>", html, re.DOTALL)
    assert texts
    return [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts]


def test_the_policy_allows_the_script_and_the_style_of_the_page_and_nothing_else(page):
    reply = page.http.get("/")
    assert policy_of(reply) == {
        "default-src": ["'none'"],
        "script-src": digests(reply.text, "script"),
        "style-src": digests(reply.text, "style"),
        "connect-src": ["'self'"],
        "img-src": ["data:"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    assert not re.search(r"<[^>]+\s(?:style|on\w+)=", reply.text), "the policy allows no attribute of this kind"


@pytest.mark.parametrize("path", ["/", "/data.json", "/favicon.ico", "/none"])
def test_every_response_has_the_headers_of_safety(page, newcomer, path):
    for reply in (
        page.http.get(path),
        newcomer.get(path),
        page.http.post(path),
        page.http.get(path, headers={"Host": "x"}),
    ):
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert policy_of(reply)["default-src"] == ["'none'"]
        assert policy_of(reply)["frame-ancestors"] == ["'none'"]
        assert "server" not in reply.headers


def test_only_loopback_listens(page):
    connections = psutil.Process(page.process.pid).net_connections("inet")
    listening = [one.laddr for one in connections if one.status == psutil.CONN_LISTEN]
    assert [(one.ip, one.port) for one in listening] == [("127.0.0.1", page.port)]


def test_there_is_no_option_for_another_address(server_less):
    for option in ("--host", "--listen", "--bind", "--address", "--ip"):
        error = server_less("ui", option, "0.0.0.0", code=4).err.partition("hint")[0]
        assert {"no", option} <= set(error.lower().split())


def test_secrets_are_compared_in_constant_time(monkeypatch):
    compared = []
    real = secrets.compare_digest
    monkeypatch.setattr(secrets, "compare_digest", lambda *pair: compared.append(pair) or real(*pair))
    access = Access(1, through_proxy=False)
    secret = access.query.partition("=")[2]
    assert access.use_token("127.0.0.1", "token=wr\xf6ng") is None
    cookie = access.use_token("127.0.0.1", f"token={secret}")
    assert access.knows(f"{access.cookie_name}={cookie}")
    assert not access.knows(f"{access.cookie_name}=wrong")
    assert [pair[1] for pair in compared] == [secret.encode()] * 2 + [cookie.encode()] * 2


def test_a_link_on_another_site_opens_the_page_too(live_page, server_less):
    """A browser would not send a strict cookie along a redirect of another site's link."""
    page = live_page(server_less)
    reply = page.http.get("/", params={"token": page.token}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<meta http-equiv="refresh" content="0; url=./">' in reply.text
    assert page.token not in reply.text
    assert page.http.get("/").status_code == 200


PREFIX = "/user/m%40x/survey"


@pytest.fixture(scope="module")
def proxied(live_page, server_less):
    return live_page(server_less, "--base-path", PREFIX + "/")


@pytest.mark.parametrize("seen", [PREFIX, "/user/m@x/survey", ""], ids=["kept", "decoded", "removed"])
def test_a_proxy_can_keep_the_prefix_or_remove_it(live_page, server_less, seen):
    page = live_page(server_less, "--base-path", PREFIX + "/")
    proxy = {"Host": "hub.example.org", "X-Forwarded-Proto": "https"}
    reply = page.http.get(f"{seen}/?token={page.token}", headers=proxy)
    assert (reply.status_code, reply.headers["location"]) == (303, "./")
    # Without a path, the browser sends the cookie to the folder of the address that it has used.
    assert reply.headers["set-cookie"].split("; ")[1:] == ["HttpOnly", "SameSite=Strict", "Secure"]
    cookie = reply.headers["set-cookie"].partition(";")[0]
    for path in ("/", "/data.json"):
        assert status_of(page.http, seen + path, Cookie=cookie, **proxy) == 200
    assert status_of(page.http, seen + "/none", Cookie=cookie, **proxy) == 404
    # From now on, the name of the proxy is known, and a site with another name is refused.
    assert status_of(page.http, seen + "/", Cookie=cookie, Host="evil.example") == 421
    assert status_of(page.http, seen + "/", Cookie=cookie, Host="127.0.0.1:9999") == 200


def test_an_unknown_name_needs_the_token_also_behind_a_proxy(proxied):
    for path in ("/", "/?token=wrong", f"{PREFIX}/data.json"):
        assert status_of(proxied.http, path, Host="evil.example") == 421


def test_a_prefix_without_its_slash_leads_to_the_folder(proxied):
    reply = proxied.http.get(f"{PREFIX}?token=x")
    assert (reply.status_code, reply.headers["location"]) == (303, "survey/?token=x")
    assert proxied.http.get(PREFIX).headers["location"] == "survey/"


def test_behind_a_proxy_the_address_of_the_page_is_printed_too(proxied):
    assert proxied.until(lambda: f"{PREFIX}/?token={proxied.token}" in "".join(proxied.errors))


@pytest.mark.parametrize("prefix", ["user", "//evil.example", "/a/../b", "/a?b", "/a#b", "/a b", "/a\nb", "https://x/"])
def test_a_base_path_must_be_a_path(server_less, prefix):
    assert "--base-path" in server_less("ui", "--base-path", prefix, code=4).err


@pytest.mark.parametrize(
    "prefix", ["/user/n/proxy/8000", "/proxy/8000/", "/user/n/proxy/absolute/8000", "/proxy/node7:8000"]
)
def test_a_path_of_a_proxy_with_a_port_requires_that_the_page_has_a_chosen_port(server_less, prefix):
    error = server_less("ui", "--no-browser", "--base-path", prefix, code=4).err
    assert error.splitlines()[:2] == [
        "error: --base-path has the port 8000, and --port is missing",
        "hint: add --port 8000",
    ]


def test_a_path_of_a_proxy_with_another_port_than_the_page_is_refused(server_less):
    words = ("--port", "9000", "--base-path", "/user/my%20n/proxy/absolute/8000/")
    error = server_less("ui", "--no-browser", *words, code=4).err
    assert error.splitlines()[:2] == [
        "error: --base-path has the port 8000, and --port is 9000",
        "hint: give the same port in both: --port 8000, or --base-path /user/my%20n/proxy/absolute/9000/",
    ]


def test_a_path_of_a_proxy_with_a_port_is_accepted_with_a_port(live_page, server_less):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page = live_page(server_less, "--base-path", f"/proxy/{port}/", "--port", str(port))
    assert page.port == port
