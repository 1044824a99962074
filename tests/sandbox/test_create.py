"""POST /session as the real server checks it: order, messages, status codes, and changes of values on the way."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

import pytest

IMAGE = "images.canfar.net/skaha/astroml:24.07"
GOOD = [("image", IMAGE), ("name", "one")]
BROKEN_YAML = "unexpected exception: org.yaml.snakeyaml."
NO_JOB = "unexpected exception: java.lang.RuntimeException: io.kubernetes.client.openapi.ApiException"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}


def post(sandbox, parameters, headers=None, path="/session"):
    body = urlencode(parameters)
    return sandbox.http.post(f"/skaha/v1{path}", content=body, headers={**FORM, **(headers or {})})


def changed(**parameters):
    """Return the parameters of a valid create, with some of them changed or left out (None)."""
    merged = {**dict(GOOD), **parameters}
    return [(name, value) for name, value in merged.items() if value is not None]


REFUSED = [
    ("no image", {"image": None}, "Missing parameter 'image'\n"),
    ("image absent comes before all else", {"image": None, "name": "a_b", "cores": "x"}, "Missing parameter 'image'\n"),
    ("blank image", {"image": " "}, "image is required\n"),
    (
        "short name",
        {"image": "skaha/astroml:24.07", "type": "x"},
        "session image 'skaha/astroml:24.07' must come from one of [images.canfar.net]\n",
    ),
    ("type before cores", {"type": "batch", "cores": "x"}, "Invalid session type: batch\n"),
    ("cores before ram", {"cores": "x", "ram": "x"}, "Invalid value for 'cores': x\n"),
    ("cores of zero", {"cores": "0.5"}, "Invalid value for 'cores': 0.5\n"),
    ("cores beyond", {"cores": "17"}, "Invalid value for 'cores': 17\n"),
    ("cores not a number", {"cores": "NaN"}, "Invalid value for 'cores': NaN\n"),
    ("ram before name", {"ram": "3", "name": "a_b"}, "Invalid value for 'ram': 3\n"),
    ("ram gap", {"ram": "5.5"}, "Invalid value for 'ram': 5.5\n"),
    ("no name", {"name": None, "gpus": "0"}, "Missing parameter 'name'\n"),
    ("underscore", {"name": "a_b", "gpus": "0"}, "name can only contain alpha-numeric chars and '-'\n"),
    ("empty name", {"name": ""}, "Missing parameter 'name'\n"),
    ("no gpus", {"gpus": "0", "image": "images.canfar.net/x/y:1"}, "Invalid value for 'gpus': 0\n"),
    ("gpus with a fraction", {"gpus": "1.0"}, "Invalid value for 'gpus': 1.0\n"),
    ("only hyphens", {"name": "-"}, "canfar.net/name label value cannot be blank\n"),
    ("hyphen first", {"name": "-a"}, "canfar.net/name label value cannot be blank\n"),
    ("shell variable", {"cmd": "echo", "args": "$HOME"}, "Illegal group reference\n"),
    ("shell variable in braces", {"cmd": "echo", "args": "${HOME}"}, "No group with name {HOME}\n"),
    ("dollar in env", {"env": "A=$B"}, "Illegal group reference\n"),
    ("dollar at the end", {"cmd": "echo$"}, "Illegal group reference\n"),
]


@pytest.mark.parametrize(("parameters", "text"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refusals_and_their_order(sandbox, parameters, text):
    reply = post(sandbox, changed(**parameters))
    assert (reply.status_code, reply.text) == (400, text)
    assert reply.headers["content-type"].startswith("text/plain")
    assert sandbox.sessions() == []


BROKEN = [
    ("quote", {"cmd": "echo", "args": 'say"'}, BROKEN_YAML),
    ("quote in env", {"env": 'A=x"y'}, BROKEN_YAML),
    ("control character", {"env": "A=x\x01"}, BROKEN_YAML),
    ("unknown YAML escape", {"env": r"A=\\q"}, BROKEN_YAML),
    ("name that starts with a digit", {"env": "1A=b"}, NO_JOB),
    ("name with a space", {"env": "A B=c"}, NO_JOB),
    ("name that is empty", {"env": "=b"}, NO_JOB),
    ("hyphen at the end of the name", {"name": "a-"}, NO_JOB),
    ("name of 64 characters", {"name": "a" * 64}, NO_JOB),
]


@pytest.mark.parametrize(("parameters", "text"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_what_yaml_or_kubernetes_refuses_is_a_useless_500(sandbox, parameters, text):
    reply = post(sandbox, changed(**parameters))
    assert reply.status_code == 500
    assert reply.text.startswith(text)
    assert sandbox.sessions() == []


def test_numbered_group_is_another_500(sandbox):
    reply = post(sandbox, changed(cmd="echo", args="$1"))
    assert (reply.status_code, reply.text) == (
        500,
        "unexpected exception: java.lang.IndexOutOfBoundsException: No group 1",
    )


def test_desktop_app_is_a_type_whose_launch_file_is_missing(sandbox):
    reply = post(sandbox, changed(type="desktop-app"))
    assert reply.status_code == 500
    assert reply.text.startswith("unexpected exception: ")
    assert not reply.text.endswith("\n")


ENV = [
    ("plain", "A=b", "b"),
    ("no equals sign", "A", None),
    ("empty value", "A=", None),
    ("two equals signs", "A=b=c", None),
    ("trailing equals signs", "A=YQ==", "YQ"),
    ("spaces", "A= b  c ", " b  c "),
    ("backslash goes", r"A=a\tb", "atb"),
    ("one backslash needs four", "A=a" + "\\" * 4 + "b", "a\\b"),
    ("two backslashes start a YAML escape", r"A=a\\tb", "a\tb"),
    ("quote needs three backslashes", 'A=say \\\\\\"hi\\\\\\"', 'say "hi"'),
    ("cut at a quote and a hash", 'A=say "#1"', "say "),
    ("newline folds", "A=a\nb", "a b"),
    ("two newlines fold into one", "A=a \n \n b", "a\nb"),
    ("escaped dollar", r"A=\$HOME", "$HOME"),
    ("group 0 is a placeholder", "A=$0", "${headless.image.bundle}"),
    ("backslash at the end goes", "A=a\\", "a"),
    ("unicode", "A=Ångström", "Ångström"),
    ("tab", "A=a\tb", "a\tb"),
]


@pytest.mark.parametrize(("sent", "arrives"), [row[1:] for row in ENV], ids=[row[0] for row in ENV])
def test_env_values(sandbox, sent, arrives):
    reply = post(sandbox, [*GOOD, ("cmd", "true"), ("env", sent)])
    assert reply.status_code == 200, reply.text
    assert sandbox.sessions()[0]["env"].get("A") == arrives


def test_env_of_one_name_last_one_wins_and_names_are_case_sensitive(sandbox):
    assert post(sandbox, [*GOOD, ("env", "A=1"), ("env", "a=2"), ("env", "A=3")]).status_code == 200
    given = sandbox.sessions()[0]["env"]
    assert (given["A"], given["a"]) == ("3", "2")


COMMANDS = [
    ("plain", "python", "a.py -x 1", ["python", "a.py", "-x", "1"]),
    ("cmd is one word", "bash -c", None, ["bash -c"]),
    ("cmd empty", "", None, [""]),
    ("args empty", "x", "", ["x", ""]),
    ("runs of spaces", "x", " a  b ", ["x", "", "a", "", "b"]),
    ("only spaces", "x", "  ", ["x"]),
    ("tabs do not split", "x", "a\tb", ["x", "a\tb"]),
    ("newline folds, does not split", "x", "a\nb", ["x", "a b"]),
    ("quotes do not hold together", "x", r"\\\"a b\\\"", ["x", '"a', 'b"']),
    ("injected element", "x", 'a","b', ["x", "a", "b"]),
    ("bare injected element", "x", 'a",b,"c', ["x", "a", "b", "c"]),
    ("injected into cmd", 'x","w', "z", ["x", "w", "z"]),
    ("expansion", "x", r"\$(A) \$(NONE) \$\$(A)", ["x", "val", "$(NONE)", "$(A)"]),
    ("platform variable", "x", r"\$(skaha_username)", ["x", "sandbox"]),
]


@pytest.mark.parametrize(("cmd", "args", "argv"), [row[1:] for row in COMMANDS], ids=[row[0] for row in COMMANDS])
def test_command_and_arguments(sandbox, cmd, args, argv):
    parameters = [*GOOD, ("cmd", cmd), ("env", "A=val"), *([("args", args)] if args is not None else [])]
    reply = post(sandbox, parameters)
    assert reply.status_code == 200, reply.text
    assert sandbox.sessions()[0]["argv"] == argv


def test_env_expands_what_stands_before_it(sandbox):
    env = [("env", r"A=\$(B)"), ("env", "B=1"), ("env", r"C=\$(B)")]
    assert post(sandbox, [*GOOD, *env]).status_code == 200
    given = sandbox.sessions()[0]["env"]
    assert (given["A"], given["C"]) == ("$(B)", "1")


def test_response_to_a_create(sandbox):
    reply = post(sandbox, GOOD)
    assert reply.status_code == 200
    assert reply.text.endswith("\n")
    identifier = reply.text.strip()
    assert len(identifier) == 8
    assert identifier[0].isalpha()
    assert identifier.isalnum()
    assert identifier == identifier.lower()


def test_same_create_twice_makes_two_sessions(sandbox):
    first, second = post(sandbox, GOOD), post(sandbox, GOOD)
    assert first.text != second.text
    assert [one["name"] for one in sandbox.get().json()] == ["one", "one"]


def test_name_is_listed_in_lower_case(sandbox):
    post(sandbox, changed(name="NGC-4501"))
    assert sandbox.get().json()[0]["name"] == "ngc-4501"


def test_sixty_three_characters_pass(sandbox):
    assert post(sandbox, changed(name="a" * 63)).status_code == 200


@pytest.mark.parametrize("kind", ["headless", "HEADLESS", " Headless ", "", "  "])
def test_type_in_any_case_and_blank_is_headless(sandbox, kind):
    assert post(sandbox, changed(type=kind)).status_code == 200
    assert sandbox.get().json()[0]["type"] == "headless"


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ({}, (False, None, None)),
        ({"cores": "4"}, (False, None, None)),
        ({"ram": "1"}, (True, "1.07", "1")),
        ({"ram": "16"}, (True, "17.18", "1")),
        ({"ram": "32", "cores": "8"}, (True, "34.36", "8")),
        ({"ram": "8.5", "cores": "2.5"}, (True, "9.13", "2.500")),
        ({"ram": "4e0", "cores": " 2 "}, (True, "4.29", "2")),
        ({"ram": "4d", "cores": "0x1p1"}, (True, "4.29", "2")),
        ({"gpus": "1"}, (False, None, None)),
        ({"cores": " ", "ram": "", "gpus": "  "}, (False, None, None)),
    ],
)
def test_resources_as_listed(sandbox, parameters, shown):
    assert post(sandbox, changed(**parameters)).status_code == 200
    one = sandbox.get().json()[0]
    assert (one["isFixedResources"], one.get("requestedRAM"), one.get("requestedCPUCores")) == shown
    assert one["requestedGPUCores"] == "0"


@pytest.mark.parametrize(
    ("kind", "ram", "cores"), [("desktop", "1.07", "0.250"), ("firefly", "4.29", "0.100"), ("carta", "17.18", "2")]
)
def test_desktop_and_firefly_ignore_what_is_asked(sandbox, kind, ram, cores):
    assert post(sandbox, changed(type=kind, ram="16", cores="2")).status_code == 200
    one = sandbox.get().json()[0]
    assert (one["requestedRAM"], one["requestedCPUCores"]) == (ram, cores)


def test_interactive_kinds_ignore_cmd_args_and_env(sandbox):
    assert post(sandbox, changed(type="notebook", cmd="x", args="$HOME", env="A=b")).status_code == 200
    assert "A" not in sandbox.sessions()[0]["env"]


def test_limit_of_interactive_sessions_comes_before_gpus_and_counts_only_the_users_own(sandbox):
    for number in range(5):
        assert post(sandbox, changed(type="notebook", name=f"n{number}")).status_code == 200
    text = "User sandbox has reached the maximum of 5 active sessions.\n"
    refused = post(sandbox, changed(type="carta", gpus="0"))
    assert (refused.status_code, refused.text) == (400, text)
    assert post(sandbox, GOOD).status_code == 200
    other = post(sandbox, changed(type="notebook"), {"Authorization": "Bearer token-of-another"})
    assert other.status_code == 200
    sandbox.delete(next(one["id"] for one in sandbox.get(type="notebook").json()))
    assert post(sandbox, changed(type="notebook")).status_code == 200


PRIVATE = "images.canfar.net/private/thing:1"


@pytest.mark.parametrize(
    ("auth", "status"),
    [
        (None, 400),
        ("not base64!", 400),
        (base64.b64encode(b"user").decode(), 400),
        (base64.b64encode(b"user:sec:ret").decode(), 400),
        (base64.b64encode(b"user:secret").decode(), 200),
    ],
)
def test_unknown_image_needs_registry_credentials(sandbox, auth, status):
    reply = post(sandbox, changed(image=PRIVATE), {"X-Skaha-Registry-Auth": auth} if auth else None)
    assert reply.status_code == status, reply.text
    if auth is None:
        assert reply.text.startswith("No authentication provided for unknown or private image. ")


def test_registry_is_compared_by_its_beginning_only(sandbox):
    image = "images.canfar.net.evil/x/y:1"
    auth = base64.b64encode(b"user:secret").decode()
    assert post(sandbox, changed(image=image), {"X-Skaha-Registry-Auth": auth}).status_code == 200


def test_further_images_by_option(fresh_sandbox):
    own = fresh_sandbox("--image", "images.canfar.net/me/mine:1", "--image", "registry.example.org/a/b:2=notebook")
    assert own.create(image="images.canfar.net/me/mine:1").status_code == 200
    assert own.create(image="registry.example.org/a/b:2", type="notebook").status_code == 200
    listed = {one["id"]: one["types"] for one in own.get("/image", type="notebook").json()}
    assert listed["registry.example.org/a/b:2"] == ["notebook"]
    assert own.get("/repository").json() == ["images.canfar.net", "registry.example.org"]
