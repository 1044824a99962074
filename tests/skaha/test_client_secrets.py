"""Nothing that is logged, raised or shown holds a credential; and none goes where it should not."""

import json
import logging
import shutil
import ssl
import traceback
from urllib.parse import quote

import pytest
from adversary import TOKEN, Adversary, awaited, client, drop, raw, reply
from certificates import certificate, real_certificate
from jobs import create_request

from skaha_apply.model.errors import ServerError, Unauthorized, Unreachable, UsageError
from skaha_apply.model.request import Unconfirmed
from skaha_apply.model.session import Kind
from skaha_apply.skaha.auth.login import certificate_login, token_login
from skaha_apply.skaha.auth.registry import RegistryLogin
from skaha_apply.skaha.auth.secret import Secret
from skaha_apply.skaha.transport.clock import SystemClock

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made by openssl")
SECRETS = (TOKEN, "cli-secret", "value-of-env", "Y2xpLXNlY3JldA")


def login():
    found = token_login(TOKEN, "the test")
    registry = RegistryLogin("images.canfar.net", "me", Secret("cli-secret"))
    return type(found)(found.source, found.identity, found.token, registry=registry)


@awaited
async def test_logs_at_every_level_hold_no_secret(caplog):
    caplog.set_level(logging.DEBUG)
    job = create_request(
        "a", "images.canfar.net/a/b:1", Kind.HEADLESS, env={"A": "value-of-env"}, args=("value-of-env",)
    )
    acts = [
        reply(200, "k2j3h4g5"),
        reply(503, Retry_After="1"),
        drop(),
        reply(200, "[]"),
        raw(b"x\r\n\r\n"),
        reply(401),
    ]
    async with Adversary(*acts) as server, client(server, login=login) as skaha:
        await skaha.create(job)
        await skaha.create(job)
        await skaha.sessions()
        await skaha.delete("abcd1234")
        assert f"{TOKEN}" in server.requests[0].headers["authorization"]
    assert "POST /skaha/v1/session 200" in caplog.text
    assert "GET /skaha/v1/session 200" in caplog.text
    for secret in SECRETS:
        assert secret not in caplog.text
        assert all(secret not in repr(record.__dict__) for record in caplog.records)


@awaited
async def test_the_libraries_below_do_not_log(caplog):
    # As `-v -v` does it: everything, from everybody.
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        async with Adversary(reply(200, "[]", Set_Cookie="session=cookie-secret")) as server, client(server) as skaha:
            await skaha.sessions()
    finally:
        logging.getLogger().setLevel(logging.WARNING)
    assert not [record for record in caplog.records if record.name.startswith(("httpcore", "httpx", "h11"))]
    assert "cookie-secret" not in caplog.text


@pytest.mark.parametrize(
    "act", [reply(401, f"bad token {TOKEN}"), reply(500, f"x {TOKEN} y"), drop(), raw(b"\r\n"), reply(403, TOKEN)]
)
@awaited
async def test_errors_and_their_tracebacks_hold_no_secret(act):
    async with Adversary(act) as server, client(server, patience=1) as skaha:
        with pytest.raises(ServerError) as caught:
            await skaha.sessions()
        outcome = await skaha.create(create_request("a", "b", Kind.HEADLESS))
    shown = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in f"{shown} {caught.value.hint} {outcome!r} {skaha!r}"


def test_plain_http_is_for_loopback_only():
    for url in ("http://host.example/skaha", "http://192.168.0.1/skaha/v1"):
        with pytest.raises(UsageError, match=r"sends no credential to .* over plain http"):
            client(url)


@awaited
async def test_a_proxy_never_sees_what_is_meant_for_loopback(monkeypatch):
    async with Adversary(reply(200, "[]")) as proxy, Adversary(reply(200, "[]")) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        async with client(server) as skaha:
            await skaha.sessions()
        assert proxy.requests == []


@awaited
async def test_an_expired_credential_sends_nothing():
    async with Adversary(reply(200, "[]")) as server:
        for expired in (
            lambda: token_login("t", "the test", expires=5.0),
            lambda: certificate_login(certificate(after=5.0), "the test"),
        ):
            with pytest.raises(Unauthorized, match="expired on 1970-01-01"):
                await client(server, login=expired).__aenter__()
        assert server.requests == []


@awaited
async def test_a_credential_is_read_again_before_each_list_and_a_broken_source_is_survived(caplog):
    answers = iter(
        [
            token_login("one", "x"),
            token_login("two", "x"),
            Unauthorized("~/.canfar/config.yaml:1: half"),
            token_login("three", "x"),
        ]
    )

    def source():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with Adversary(reply(200, "[]")) as server, client(server, login=source) as skaha:
        for _ in range(3):
            await skaha.sessions()
    assert [request.headers["authorization"] for request in server.requests] == [
        "Bearer two",
        "Bearer two",
        "Bearer three",
    ]
    assert "read before is used" in caplog.text


def tls_server(path, ask_for):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if ask_for:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(ask_for)
    return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    server, owner = (tmp_path_factory.mktemp(name) for name in ("server", "owner"))
    return (
        real_certificate(server, "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
        real_certificate(owner, "/C=ca/O=hia/OU=cadc/CN=jane_abc"),
    )


@needs_openssl
@pytest.mark.both_transports
@awaited
async def test_a_client_certificate_is_shown_over_tls(certificates, monkeypatch, tmp_path):
    of_server, of_owner = certificates
    monkeypatch.setenv("SSL_CERT_FILE", str(of_server))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pem = of_owner.read_text()
    async with (
        Adversary(reply(200, "[]"), tls=tls_server(of_server, of_owner)) as server,
        client(server, login=lambda: certificate_login(pem, "x"), clock=SystemClock()) as skaha,
    ):
        assert (await skaha.sessions()).sessions == ()
        assert list(tmp_path.iterdir()) == []
        peer = server.requests[0].writer.get_extra_info("peercert")
    assert (("commonName", "jane_abc"),) in peer["subject"]
    assert "authorization" not in server.requests[0].headers


@needs_openssl
@pytest.mark.both_transports
@awaited
async def test_server_with_an_untrusted_certificate_fails_at_once(certificates, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    async with (
        Adversary(reply(200, "[]"), tls=tls_server(certificates[0], None)) as server,
        client(server, patience=1e6, clock=SystemClock()) as skaha,
    ):
        with pytest.raises(Unreachable, match=r"certificate of 127.0.0.1 \(CN=localhost\) is not trusted") as caught:
            await skaha.sessions()
        assert "SSL_CERT_FILE" in caught.value.hint
        outcome = await skaha.create(create_request("a", "b", Kind.HEADLESS))
        assert (type(outcome).__name__, outcome.status) == ("Refused", 0)
    assert server.requests == []


@needs_openssl
@pytest.mark.both_transports
@awaited
async def test_a_create_is_unconfirmed_if_the_server_refuses_the_client_over_tls(certificates, monkeypatch):
    """In TLS 1.3 the refusal arrives after the request was sent, so that the client cannot know what happened to it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates[0]))
    async with Adversary(reply(200, "[]"), tls=tls_server(*certificates)) as server, client(server) as skaha:
        outcome = await skaha.create(create_request("a", "b", Kind.HEADLESS))
    assert type(outcome) is Unconfirmed
    assert server.requests == []


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@awaited
async def test_a_proxy_that_is_not_there_is_named_with_its_variable(monkeypatch, variable):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with Adversary(reply(200, "[]")) as nobody:
        pass
    monkeypatch.setenv(variable, f"http://me:s3cret@127.0.0.1:{nobody.port}")
    async with client("https://host.example/skaha", patience=1) as skaha:
        with pytest.raises(Unreachable) as caught:
            await skaha.sessions()
    assert f"no connection through the proxy 127.0.0.1:{nobody.port} (from {variable})" in str(caught.value)
    assert variable in caught.value.hint
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("pem", [certificate(), certificate().replace("bm90IGEga2V5", "MIIB")])
@awaited
async def test_a_certificate_that_openssl_refuses_is_one_error(pem):
    with pytest.raises(Unauthorized, match="cannot be used"):
        await client("https://127.0.0.1:1/skaha", login=lambda: certificate_login(pem, "x")).__aenter__()


@pytest.mark.parametrize(
    ("url", "variables", "says"),
    [
        ("https://127.0.0.1:1/skaha", {"SSL_CERT_FILE": "/nowhere/roots.pem"}, "SSL_CERT_FILE"),
        (
            "https://host.example/skaha",
            {"https_proxy": "teleport://me:s3cret@host"},
            "cannot use the proxy host .from https_proxy.",
        ),
        (f"https://{'a' * 70}.example/skaha", {}, "cannot be the name of a host"),
        ("https://\N{ZERO WIDTH JOINER}.example/skaha", {}, "cannot be the name of a host"),
    ],
)
@awaited
async def test_surroundings_that_cannot_work_are_one_error(monkeypatch, url, variables, says):
    for name in ("no_proxy", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=says) as caught:
        await client(url).__aenter__()
    assert "s3cret" not in str(caught.value)


@awaited
async def test_https_goes_through_a_proxy_that_sees_no_token(monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with Adversary(reply(502, "no")) as proxy:
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{proxy.port}")
        async with client("https://host.example/skaha", patience=1) as skaha:
            with pytest.raises(Unreachable):
                await skaha.sessions()
    assert proxy.methods[0] == "CONNECT"
    assert TOKEN not in repr([request.headers for request in proxy.requests])


PLAIN, ODD = "plain-token-of-somebody", 'odd"token/with+=signs'


@pytest.mark.parametrize("view", ["logs", "events"])
@awaited
async def test_the_own_token_is_masked_in_what_a_session_printed(view):
    forms = [ODD, quote(ODD, safe=""), json.dumps(ODD), f"Bearer {ODD}"]
    async with (
        Adversary(reply(200, "\n".join(forms))) as server,
        client(server, login=lambda: token_login(ODD, "the test")) as skaha,
    ):
        text = await getattr(skaha, view)("abcd1234")
    assert text.splitlines() == ["(sensitive)", "(sensitive)", '"(sensitive)"', "Bearer (sensitive)"]


@awaited
async def test_tokens_that_changed_during_a_wait_are_masked(tmp_path):
    tokens = iter([PLAIN, "second-token", "third-token"])
    async with (
        Adversary(reply(200, "[]"), reply(200, "[]"), reply(200, f"{PLAIN} second-token third-token")) as server,
        client(server, login=lambda: token_login(next(tokens), "the test")) as skaha,
    ):
        await skaha.sessions()
        await skaha.sessions()
        assert await skaha.logs("abcd1234") == "(sensitive) (sensitive) (sensitive)"


def test_the_lines_of_a_private_key_are_masked():
    key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nQ29uZmlkZW50aWFsS2V5TWF0ZXJpYWw\nZm9vYmFyCg=="
    pem = certificate(key=False) + f"-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n"
    hidden = certificate_login(pem, "the test").without_secrets(f"{pem}{json.dumps(pem)}{key.replace(chr(10), '')}")
    assert not any(part in hidden for part in key.split())
    assert "BEGIN CERTIFICATE" in hidden


@awaited
async def test_the_refresh_token_of_the_file_is_masked():
    found = token_login(PLAIN, "x")
    login = type(found)(found.source, found.identity, found.token, hidden=(Secret("refresh-token"),))
    async with Adversary(reply(200, "my refresh-token")) as server, client(server, login=lambda: login) as skaha:
        assert await skaha.logs("abcd1234") == "my (sensitive)"


@pytest.mark.parametrize(
    "act",
    [
        reply(200, f"<html>signed in with {PLAIN}</html>", kind="text/plain"),
        reply(200, f'[{{"id": "{PLAIN}'),
        reply(404, f"no {PLAIN}"),
        reply(400, f"bad {quote(ODD)} {PLAIN}"),
        reply(302, "", Location=f"https://host.example/?token={PLAIN}"),
    ],
)
@awaited
async def test_errors_mask_every_form_of_the_token(act):
    async with Adversary(act) as server, client(server, login=lambda: token_login(PLAIN, "x"), patience=1) as skaha:
        with pytest.raises(ServerError) as caught:
            await skaha.sessions()
        outcome = await skaha.create(create_request("a", "b", Kind.HEADLESS))
    shown = "".join(traceback.format_exception(caught.value))
    assert PLAIN not in f"{shown} {caught.value.hint} {outcome!r}"
