"""Where credentials come from, whose they are, and when they are over."""

import base64
import json
import pickle
import traceback

import pytest
from certificates import KEY, certificate
from hypothesis import given
from hypothesis import strategies as st

from skaha_apply.model.errors import SkahaApplyError, Unauthorized
from skaha_apply.skaha.auth.certificate import read_certificate
from skaha_apply.skaha.auth.login import certificate_login, token_login
from skaha_apply.skaha.auth.secret import Secret
from skaha_apply.skaha.auth.settings import CredentialSource, Environment, find_login

LAB = "https://example.org/skaha/v1"
CANFAR = """
version: 2
active: {authentication: lab, server: mylab, servers: {lab: mylab}}
authentication:
  cadc: {mode: x509, path: PROXY, expiry: 0.0}
  lab:
    mode: oidc
    endpoints: {discovery: "https://iam.example.org/.well-known/openid-configuration"}
    client: {identity: my-client, secret: s3cret, secret_expires_at: 0}
    token: {access: AAA-canfar, refresh: RRR, token_type: Bearer, scope: openid profile}
    expiry: {access: 4102444800.0, refresh: 4102444800.0}
servers:
  mylab: {idp: lab, uri: "ivo://example.org/skaha", url: "https://example.org/skaha", version: v1, auths: [oidc]}
  canfar: {idp: cadc, url: "https://ws-uv.canfar.net/skaha", version: v1}
registry: {url: "https://images.example.org", username: me, secret: cli-secret}
console: {width: 120, banner: true}
"""
SKAHA = """
active: mylab
contexts:
  mylab:
    mode: oidc
    token: {access: AAA-skaha, refresh: RRR}
    expiry: {access: 4102444800.0, refresh: 4102444800.0}
    server: {name: My-Lab, url: "https://example.org/skaha", version: v0}
  cadc: {mode: x509, path: PROXY, expiry: 0.0, server: {url: "https://ws-uv.canfar.net/skaha", version: v0}}
"""


@pytest.fixture
def home(tmp_path):
    def write(canfar=None, skaha=None, proxy=None, **environ):
        for path, text in (
            (".canfar/config.yaml", canfar),
            (".skaha/config.yaml", skaha),
            (".ssl/cadcproxy.pem", proxy),
        ):
            if text is not None:
                (tmp_path / path).parent.mkdir(exist_ok=True)
                (tmp_path / path).write_text(text.replace("PROXY", str(tmp_path / "its-proxy.pem")))
        return Environment(environ, tmp_path)

    return write


def jwt(**claims):
    parts = [json.dumps({"alg": "none"}), json.dumps(claims), "signature"]
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def test_the_environment_comes_first_tokens_before_certificates(home):
    names = {"SKAHA_TOKEN": "one", "CANFAR_TOKEN": "two", "SKAHA_CERTIFICATE": certificate()}
    surroundings = home(CANFAR, SKAHA, certificate(), **names)
    assert find_login(LAB, surroundings).token == Secret("one")
    assert find_login(LAB, home(CANFAR_TOKEN=" two\n", SKAHA_CERTIFICATE="x")).token == Secret("two")
    assert find_login(LAB, home(SKAHA_TOKEN="Bearer three")).token == Secret("three")
    login = find_login(LAB, home(SKAHA_CERTIFICATE=names["SKAHA_CERTIFICATE"].replace("\n", "\\n"), SKAHA_TOKEN=""))
    assert (login.source, login.token) == ("SKAHA_CERTIFICATE", None)


def test_a_certificate_by_path(home, tmp_path):
    (tmp_path / "mine.pem").write_text(certificate())
    assert find_login(LAB, home(CANFAR_CERTIFICATE="~/mine.pem")).pem
    assert find_login(LAB, home(CANFAR_CERTIFICATE=str(tmp_path / "mine.pem"))).pem
    with pytest.raises(Unauthorized, match=r"the file ~/other\.pem in SKAHA_CERTIFICATE does not exist"):
        find_login(LAB, home(SKAHA_CERTIFICATE="~/other.pem"))


def test_the_files_of_both_clients(home, tmp_path):
    login = find_login(LAB, home(CANFAR, SKAHA))
    assert (login.token, login.source) == (Secret("AAA-canfar"), "~/.canfar/config.yaml")
    assert login.expires == 4102444800
    assert (login.registry.host, login.registry.username) == ("images.example.org", "me")
    (tmp_path / ".canfar" / "config.yaml").unlink()
    assert find_login(LAB, home(skaha=SKAHA)).token == Secret("AAA-skaha")


def test_each_server_gets_the_credential_that_the_file_names_with_it(home, tmp_path):
    (tmp_path / "its-proxy.pem").write_text(certificate())
    login = find_login("https://ws-uv.canfar.net/skaha/v1", home(CANFAR))
    assert login.token is None
    assert "its-proxy.pem" in login.source


def test_a_token_of_one_server_is_not_sent_to_another(home):
    with pytest.raises(Unauthorized, match="is for another server") as caught:
        find_login("https://stranger.example/skaha/v1", home(CANFAR, SKAHA))
    assert "AAA" not in str(caught.value)
    assert find_login("https://stranger.example/skaha/v1", home(proxy=certificate())).source == "~/.ssl/cadcproxy.pem"


def test_a_missing_certificate_that_a_file_names_is_ignored(home):
    surroundings = home(CANFAR, proxy=certificate())
    assert find_login("https://ws-uv.canfar.net/skaha/v1", surroundings).source == "~/.ssl/cadcproxy.pem"


def test_without_any_credential_the_ways_to_one_are_shown(home):
    with pytest.raises(Unauthorized, match=r"there is no credential for example\.org") as caught:
        find_login(LAB, home())
    assert "`canfar login`" in caught.value.hint


def test_a_broken_file_matters_only_without_the_environment(home, caplog):
    assert find_login(LAB, home("{", SKAHA_TOKEN="one")).token == Secret("one")
    assert "config.yaml:1" in caplog.text
    with pytest.raises(SkahaApplyError, match=r"config.yaml:1"):
        find_login(LAB, home())


def test_it_is_read_again_each_time(home, monkeypatch):
    surroundings = home()
    monkeypatch.setenv("HOME", str(surroundings.home))
    source = CredentialSource(LAB).login
    monkeypatch.setenv("SKAHA_TOKEN", "one")
    assert source().token == Secret("one")
    monkeypatch.setenv("SKAHA_TOKEN", "two")
    assert source().token == Secret("two")


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ümlaut", "a\x00b"])
def test_a_token_that_no_header_takes_is_refused_and_not_repeated(token):
    with pytest.raises(Unauthorized) as caught:
        token_login(token, "SKAHA_TOKEN")
    assert "SKAHA_TOKEN" in str(caught.value)
    assert token not in f"{caught.value} {caught.value.hint}"


def test_an_expired_token_shows_the_date_and_the_command():
    login = token_login(jwt(sub="me", exp=1767225600), "SKAHA_TOKEN")
    login.check(1767225599)
    with pytest.raises(Unauthorized, match=r"token from SKAHA_TOKEN expired on 2026-01-01 00:00 UTC") as caught:
        login.check(1767225600)
    assert "`canfar login`" in caught.value.hint
    assert token_login("opaque", "x", expires=5.0).expires == 5
    assert token_login(jwt(exp=7), "x", expires=5.0).expires == 7


@pytest.mark.parametrize(
    "odd",
    [jwt(exp="soon"), jwt(exp=True), jwt(exp=-1), jwt(exp=1e30), "a.b.c", "a.é.c".encode().hex(), "..", jwt(sub=3)],
)
def test_a_token_that_is_not_quite_a_jwt_has_no_date(odd):
    assert token_login(odd, "x").expires is None


def test_an_expired_certificate_shows_the_date_and_the_command():
    login = certificate_login(certificate(after=1767225600), "~/.ssl/cadcproxy.pem")
    with pytest.raises(Unauthorized, match=r"certificate from ~/.ssl/cadcproxy.pem expired on 2026-01-01") as caught:
        login.check(1767225600)
    assert "`canfar login`" in caught.value.hint


@given(st.integers(0, 7_000_000_000))
def test_dates_of_certificates(moment):
    assert read_certificate(certificate(after=moment)).not_after == moment


@pytest.mark.parametrize(
    "bad",
    [
        "",
        KEY,
        "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        certificate(key=False),
        certificate()[:400] + "\n-----END CERTIFICATE-----\n" + KEY,
    ],
)
def test_file_that_is_not_a_certificate_is_an_error(bad):
    with pytest.raises(Unauthorized, match="SKAHA_CERTIFICATE"):
        certificate_login(bad, "SKAHA_CERTIFICATE")


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_of_certificates(data):
    text = base64.encodebytes(data).decode()
    try:
        read_certificate(f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n")
    except ValueError:
        return


def test_identities_distinguish_accounts_not_credentials():
    owner = ("C=ca", "O=hia", "OU=cadc", "CN=jane_abc")
    proxies = [
        certificate_login(certificate((*owner, *more)), "x").identity
        for more in ((), ("CN=123",), ("CN=9", "CN=proxy"))
    ]
    assert len(set(proxies)) == 1
    assert certificate_login(certificate(("C=ca", "CN=john_abc")), "x").identity != proxies[0]
    first, second = (token_login(jwt(iss="i", sub="me", exp=number), "x") for number in (1, 2))
    assert first.identity == second.identity
    assert first.identity != token_login(jwt(iss="i", sub="you"), "x").identity
    assert first.identity != token_login(jwt(iss="other", sub="me"), "x").identity
    assert token_login("opaque-1", "x").identity != token_login("opaque-2", "x").identity
    assert "opaque-1" not in token_login("opaque-1", "x").identity


def test_a_secret_does_not_show():
    login = token_login("s3cret-token", "x")
    assert "s3cret" not in f"{login!r} {login.token} {login.token!s:>50} {[login]}"
    with pytest.raises(TypeError):
        pickle.dumps(login)


def test_a_traceback_with_the_locals_does_not_show_it():
    def fail(login):
        raise ZeroDivisionError

    caught = None
    try:
        fail(token_login("s3cret-token", "x"))
    except ZeroDivisionError as error:
        caught = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown = "".join(caught.format())
    assert "login = Login(" in shown
    # The line of this test that is quoted holds it once; no value does.
    assert shown.count("s3cret-token") == 1
