"""Which address is asked: what may be written, where it is looked up, and what the state is bound to."""

import pytest

from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.skaha.address import address_key, base_url, server_folder
from skaha_apply.skaha.auth.settings import Environment, resolve_server

CANFAR = """
version: 2
active: {authentication: lab, server: mylab, servers: {lab: mylab}}
authentication:
  lab: {mode: oidc, token: {access: AAA, refresh: RRR}}
servers:
  mylab: {idp: lab, uri: "ivo://example.org/skaha", url: "https://example.org/skaha", version: v1, auths: [oidc]}
  Other: {idp: lab, url: "https://other.example/skaha", version: v2, surprise: 1}
"""
SKAHA = """
active: mylab
contexts:
  mylab:
    mode: oidc
    token: {access: AAA}
    server: {name: My-Lab, uri: "ivo://example.org/skaha", url: "https://second.example/skaha", version: v0}
"""


@pytest.fixture
def home(tmp_path):
    def write(canfar=None, skaha=None, **environ):
        for folder, text in ((".canfar", canfar), (".skaha", skaha)):
            if text is not None:
                (tmp_path / folder).mkdir(exist_ok=True)
                (tmp_path / folder / "config.yaml").write_text(text)
        return Environment(environ, tmp_path)

    return write


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://host.example/skaha", "https://host.example/skaha/v1"),
        ("https://Host.Example/skaha/v1/", "https://host.example/skaha/v1"),
        ("https://host.example", "https://host.example/skaha/v1"),
        ("https://host.example:443/skaha/v0", "https://host.example/skaha/v0"),
        ("https://host.example:8443//my//skaha", "https://host.example:8443/my/skaha/v1"),
        ("http://127.0.0.1:8080/skaha", "http://127.0.0.1:8080/skaha/v1"),
        ("http://[::1]:80/skaha", "http://[::1]/skaha/v1"),
        ("http://localhost:9/skaha", "http://localhost:9/skaha/v1"),
    ],
)
def test_an_address_with_or_without_version(written, meant):
    assert base_url(written) == meant
    assert base_url(meant) == meant


@pytest.mark.parametrize(
    "bad",
    [
        "ftp://host/skaha",
        "host/skaha",
        "https://",
        "https:///skaha",
        "https://host:port/skaha",
        "https://[::1/skaha",
        "https://host/skaha?x=1",
        "https://host/skaha#x",
        "https://host/sk aha",
        "https://host/%2e%2e",
        "http://host.example/skaha",
        "http://127.0.0.1.evil.example/skaha",
        "http://localhost.evil.example/skaha",
        "http://10.0.0.1/skaha",
    ],
)
def test_malformed_address_is_an_error(bad):
    with pytest.raises(UsageError) as caught:
        base_url(bad, "SKAHA_URL")
    assert str(caught.value).startswith("SKAHA_URL: ")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("written", "base"),
    [
        ("https://host.example/skaha/v1/session", "https://host.example/skaha/v1"),
        ("https://host.example/skaha/v1/session/k2j3h4g5/", "https://host.example/skaha/v1"),
        ("https://host.example/skaha/session", "https://host.example/skaha"),
        ("https://host.example/skaha/v0/Context", "https://host.example/skaha/v0"),
        ("https://host.example/skaha/capabilities", "https://host.example/skaha"),
        ("https://host.example/skaha/v1/anything", "https://host.example/skaha/v1"),
    ],
)
def test_address_of_a_resource_is_not_a_base_url(written, base):
    with pytest.raises(UsageError) as caught:
        base_url(written, "SKAHA_URL")
    assert caught.value.hint == f"write {base}"
    assert base_url(base)


def test_a_password_in_an_address_is_refused_and_not_repeated():
    for url in ("https://me:s3cret@host/skaha", "https://me:s3cret@[::1/skaha", "https://me:s3cret@host:x/"):
        with pytest.raises(UsageError) as caught:
            base_url(url)
        assert "s3cret" not in f"{caught.value} {caught.value.hint}"


def test_the_address_that_a_state_is_bound_to():
    assert address_key("https://WS-uv.canfar.net/skaha/v1/") == "ws-uv.canfar.net/skaha/v1"
    assert address_key("https://host:8443/skaha/v1") == "host:8443/skaha/v1"
    for host in ("127.0.0.1:1", "localhost:2", "[::1]:3", "127.0.0.2"):
        assert address_key(f"http://{host}/skaha/v1") == "localhost/skaha/v1"


def test_the_folder_of_a_server():
    assert server_folder("https://WS-uv.canfar.net/skaha/v1") == "ws-uv.canfar.net"
    assert server_folder("http://127.0.0.1:8080/skaha/v1") == "localhost"
    assert server_folder("https://[2001:db8::1]/skaha") == "2001-db8-1"


def test_arguments_come_before_the_environment_before_files(home):
    urls = {"SKAHA_URL": "https://one.example/skaha", "CANFAR_URL": "https://two.example/skaha"}
    everything = home(CANFAR, SKAHA, **urls)
    assert resolve_server("https://arg.example", everything) == "https://arg.example/skaha/v1"
    assert resolve_server(None, everything) == "https://one.example/skaha/v1"
    assert resolve_server(None, home(SKAHA_URL=" ", CANFAR_URL=urls["CANFAR_URL"])) == "https://two.example/skaha/v1"
    assert resolve_server(None, home()) == "https://example.org/skaha/v1"


def test_skahas_file_is_next_and_its_v0_means_v1(home):
    assert resolve_server(None, home(skaha=SKAHA)) == "https://second.example/skaha/v1"


def test_without_anything_it_is_canfars_own(home):
    assert resolve_server(None, home()) == "https://ws-uv.canfar.net/skaha/v1"
    assert resolve_server(None, home("version: 2\n", "")) == "https://ws-uv.canfar.net/skaha/v1"


def test_a_server_by_name(home):
    surroundings = home(CANFAR, SKAHA)
    assert resolve_server("other", surroundings) == "https://other.example/skaha/v2"
    assert resolve_server("my-lab", surroundings) == "https://second.example/skaha/v1"
    assert resolve_server(None, home(SKAHA_URL="other")) == "https://other.example/skaha/v2"
    with pytest.raises(UsageError, match="no configured server 'nowhere'") as caught:
        resolve_server("nowhere", surroundings)
    assert caught.value.hint == "the configured servers are Other, mylab"


def test_a_url_needs_no_file(home):
    broken = home("{", SKAHA_URL="https://one.example/skaha")
    assert resolve_server(None, broken) == "https://one.example/skaha/v1"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("version: 2\nactive: {server: a\nservers: x", "~/.canfar/config.yaml:3:"),
        ("version: 2\n  bad: [s3cret\n", "~/.canfar/config.yaml:2:"),
        ("a: s3cret\na: s3cret2\n", "~/.canfar/config.yaml:2:"),
        ("a: *s3cret\n", "~/.canfar/config.yaml:1:"),
        ('a: "\\s3cret"\n', "~/.canfar/config.yaml:1:"),
        ("- s3cret\n", "~/.canfar/config.yaml:1:"),
        ("s3cret", "~/.canfar/config.yaml:1:"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line_and_not_quoted(home, text, place):
    with pytest.raises(SkahaApplyError) as caught:
        resolve_server(None, home(text))
    assert str(caught.value).startswith(place)
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "odd",
    [
        "version: 99\nnew: {shape: true}\n",
        "registry: text\nconsole: {width: 80}\n",
        "active: {authentication: cadc, server: canfar}\nauthentication: {cadc: {mode: x509}}\n",
        "? [a, b]\n: c\n",
        "~",
    ],
)
def test_what_is_not_known_in_a_file_breaks_nothing(home, odd):
    assert resolve_server(None, home(odd)) == "https://ws-uv.canfar.net/skaha/v1"


LAB = "servers: {mylab: {idp: lab, url: 'https://lab.example/skaha'}}\n"
TOKEN = "authentication: {lab: {mode: oidc, token: {access: AAA}}}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"active: {{authentication: lab, server: null}}\n{TOKEN}{LAB}", "names no active server"),
        (f"active: {{authentication: lab}}\n{LAB}", "names no active server"),
        (f"active: {{server: ' '}}\n{LAB}", "names no active server"),
        (f"active: null\n{LAB}", "names no active server"),
        (f"active: mylab\n{LAB}", "names no active server"),
        (f"{LAB}", "names no active server"),
        (f"{TOKEN}", "names no active server"),
        ("active: {server: [1]}\nauthentication: {a: {token: 5}}\nregistry: text\n", "names no active server"),
        (f"active: {{server: other}}\n{LAB}", "'other' as its active server, and has no server of that name"),
        (f"active: {{server: canfar}}\n{LAB}", "'canfar' as its active server, and has no server of that name"),
        ("active: {server: lab}\nservers: {lab: {url: 'http://lab.example/skaha'}}\n", "no usable URL .* 'lab'"),
        ("active: {server: lab}\nservers: {lab: {idp: lab}}\n", "no usable URL .* 'lab'"),
        ("servers: [1, 2]\nactive: 7\n", "names no active server"),
        ("contexts: {a: [], b: {server: x}}\nactive: a\n", "no usable URL .* 'a'"),
        ("contexts: {a: {server: {url: 'https://lab.example'}}}\nactive: null\n", "names no active server"),
        ("contexts: {a: {server: {url: 'https://lab.example'}}}\nactive: b\n", "'b' as its active server"),
    ],
)
def test_a_file_without_an_active_server_never_means_canfars_own(home, text, says):
    surroundings = home(text)
    with pytest.raises(SkahaApplyError, match=says) as caught:
        resolve_server(None, surroundings)
    assert str(caught.value).startswith("~/.canfar/config.yaml ")
    assert "`canfar server use NAME`" in caught.value.hint
    assert resolve_server("https://one.example/skaha", surroundings) == "https://one.example/skaha/v1"
    assert resolve_server(None, home(text, SKAHA_URL="https://two.example")) == "https://two.example/skaha/v1"
    if "lab.example/skaha'" in text and "https" in text:
        assert resolve_server("mylab", surroundings) == "https://lab.example/skaha/v1"


def test_a_server_without_a_version_is_version_1(home):
    assert resolve_server(None, home(f"active: {{server: mylab}}\n{LAB}")) == "https://lab.example/skaha/v1"


def test_a_file_that_is_not_text_or_not_a_file(home, tmp_path):
    surroundings = home("x")
    (tmp_path / ".canfar" / "config.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SkahaApplyError, match="UTF-8"):
        resolve_server(None, surroundings)
    (tmp_path / ".canfar" / "config.yaml").unlink()
    (tmp_path / ".canfar" / "config.yaml").mkdir()
    with pytest.raises(SkahaApplyError, match="cannot be read"):
        resolve_server(None, surroundings)
