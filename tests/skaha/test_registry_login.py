"""The login for private images: its sources, its images, and how a refusal names it."""

import base64
import json

import pytest
from adversary import Adversary, awaited, client, reply
from jobs import create_request

from skaha_apply.model.errors import UsageError
from skaha_apply.model.request import Refused
from skaha_apply.model.session import Kind
from skaha_apply.skaha.auth.login import token_login
from skaha_apply.skaha.auth.settings import Environment, find_login

SERVER = "https://example.org/skaha/v1"
FILE = "version: 2\nregistry: {username: filed, secret: filed-secret}\n"
HOSTED = "version: 2\nregistry: {url: 'https://images.example.org/', username: filed, secret: filed-secret}\n"
OWN = {"SKAHA_REGISTRY_USERNAME": "own", "SKAHA_REGISTRY_SECRET": "own-secret"}
CLIENTS = {"CANFAR_REGISTRY__USERNAME": "clients", "CANFAR_REGISTRY__SECRET": "clients-secret"}
UNKNOWN = (
    "No authentication provided for unknown or private image.  "
    "Use x-skaha-registry-auth request header with base64Encode(username:secret).\n"
)


@pytest.fixture
def found(tmp_path):
    """A function that gives host, user name and secret of the registry login, None without one."""

    def find(text=None, **environ):
        if text is not None:
            (tmp_path / ".canfar").mkdir(exist_ok=True)
            (tmp_path / ".canfar" / "config.yaml").write_text(text)
        login = find_login(SERVER, Environment({"SKAHA_TOKEN": "token", **environ}, tmp_path)).registry
        return login and (login.host, login.username, login.secret.reveal())

    return find


def test_the_first_of_the_sources_counts(found):
    assert found() is None
    assert found(FILE) == ("", "filed", "filed-secret")
    assert found(HOSTED) == ("images.example.org", "filed", "filed-secret")
    assert found(HOSTED, **CLIENTS) == ("images.example.org", "clients", "clients-secret")
    assert found(FILE, **CLIENTS, CANFAR_REGISTRY__URL="https://r.example.org") == (
        "r.example.org",
        "clients",
        "clients-secret",
    )
    assert found(HOSTED, **CLIENTS, **OWN) == ("", "own", "own-secret")
    assert found(HOSTED, **OWN, SKAHA_REGISTRY_HOST="r.example.org:5000") == ("r.example.org:5000", "own", "own-secret")


def test_variables_of_the_client_complete_its_file(found):
    assert found(HOSTED, CANFAR_REGISTRY__SECRET="new") == ("images.example.org", "filed", "new")
    assert found(HOSTED, CANFAR_REGISTRY__URL="https://r.example.org") == ("r.example.org", "filed", "filed-secret")


def test_variables_alone_are_enough_in_a_job_without_a_file(found):
    assert found(**OWN) == ("", "own", "own-secret")
    assert found(**CLIENTS) == ("", "clients", "clients-secret")
    assert found(CANFAR_REGISTRY__URL="https://r.example.org") is None


@pytest.mark.parametrize("name", [*OWN, *CLIENTS])
def test_half_a_login_is_an_error_that_names_the_other_half(found, name):
    other = next(one for names in (OWN, CLIENTS) if name in names for one in names if one != name)
    with pytest.raises(UsageError, match=f"{other} is missing"):
        found(**{name: "x-secret-x"})


def test_half_a_login_of_the_file_is_none(found):
    assert found("registry: {username: filed}\n") is None
    assert found("registry: {secret: filed-secret}\n") is None


def by_method(**acts):
    """An act for each method."""

    async def act(request):
        await acts[request.method](request)

    return act


def create(image):
    return create_request("a", image, Kind.HEADLESS)


def with_login(tmp_path, **environ):
    return lambda: find_login(SERVER, Environment({"SKAHA_TOKEN": "the-token", **environ}, tmp_path))


@awaited
async def test_without_a_host_it_goes_with_images_of_the_registries_of_the_server(tmp_path):
    hosts = json.dumps(["images.canfar.net", "https://Other.example.org/x"])
    acts = by_method(GET=reply(200, hosts), POST=reply(200, "k2j3h4g5"))
    images = (
        ("images.canfar.net/private/a:1", True),
        ("other.example.org/private/a:1", True),
        ("images.canfar.net.evil.org/a/b:1", False),
        ("docker.io/a/b:1", False),
    )
    async with Adversary(acts) as server, client(server, login=with_login(tmp_path, **OWN)) as skaha:
        for image, _ in images:
            await skaha.create(create(image))
        assert [skaha.private(image) for image, _ in images] == [sent for _, sent in images]
        posts = [one for one in server.requests if one.method == "POST"]
        assert [one.target for one in server.requests if one.method == "GET"] == ["/skaha/v1/repository"]
    headers = [one.headers.get("x-skaha-registry-auth") for one in posts]
    expected = base64.b64encode(b"own:own-secret").decode()
    assert headers == [expected if sent else None for _, sent in images]


@awaited
async def test_registries_that_cannot_be_read_get_nothing(tmp_path):
    acts = by_method(GET=reply(200, "no json"), POST=reply(200, "k2j3h4g5"))
    async with Adversary(acts) as server, client(server, login=with_login(tmp_path, **OWN), patience=0.1) as skaha:
        await skaha.create(create("images.canfar.net/a/b:1"))
        await skaha.create(create("images.canfar.net/a/b:1"))
        posts = [one for one in server.requests if one.method == "POST"]
    assert len(posts) == 2
    assert not any("x-skaha-registry-auth" in one.headers for one in posts)


@pytest.mark.parametrize(
    ("environ", "text", "says"),
    [
        ({}, UNKNOWN, "no registry login found in SKAHA_REGISTRY_USERNAME and SKAHA_REGISTRY_SECRET, in CANFAR_REG"),
        (
            {**OWN, "SKAHA_REGISTRY_HOST": "r.example.org"},
            UNKNOWN,
            "login from SKAHA_REGISTRY_USERNAME is for r.example.org, so it was not sent",
        ),
        (
            {**OWN, "SKAHA_REGISTRY_HOST": "images.canfar.net", "SKAHA_REGISTRY_SECRET": "a:b-secret"},
            "Invalid input.  Must be in form of username:secret\n",
            "contains `:`",
        ),
    ],
)
@awaited
async def test_refusal_names_the_source_of_the_login(tmp_path, environ, text, says):
    async with Adversary(reply(400, text)) as server, client(server, login=with_login(tmp_path, **environ)) as skaha:
        outcome = await skaha.create(create("images.canfar.net/private/a:1"))
    assert isinstance(outcome, Refused)
    assert says in outcome.text
    assert "-secret" not in outcome.text
    assert not outcome.auth


@awaited
async def test_the_secret_and_its_header_are_masked(tmp_path):
    header = base64.b64encode(b"own:own-secret").decode()
    async with (
        Adversary(reply(400, f"bad header {header} own-secret")) as server,
        client(server, login=with_login(tmp_path, **OWN, SKAHA_REGISTRY_HOST="images.canfar.net")) as skaha,
    ):
        outcome = await skaha.create(create("images.canfar.net/private/a:1"))
    assert outcome.text == "bad header (sensitive) (sensitive)"


def test_a_token_needs_no_registry_login():
    assert token_login("abc", "the test").registry is None
