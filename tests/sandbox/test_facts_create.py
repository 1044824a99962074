"""The checks of POST /session in the server's order, and the names of sessions, as a table."""

from __future__ import annotations

import base64
import re
from urllib.parse import urlencode

import pytest
from facts import ANYTHING, ID, IMAGE, NO_JOB, Answer, Request, differences, names, send

PRIVATE = "images.canfar.net/private/thing:1"
LOGIN = "x-skaha-registry-auth"
NO_LOGIN = (
    "No authentication provided for unknown or private image.  "
    "Use x-skaha-registry-auth request header with base64Encode(username:secret).\n"
)
NOT_A_LOGIN = Answer(400, "Invalid input.  Must be in form of username:secret\n")
MADE = Answer(200, ID)
RAM = (1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 26, 28, 30, 32, 36, 40, 44, 48, 56, 64, 80, 92, 112, 128, 140, 170, 192)


def create(path="/v1/session", headers=(), **changes):
    fields = {"image": IMAGE, "name": "p", **changes}
    return Request(f"POST {path}", urlencode([pair for pair in fields.items() if pair[1] is not None]), headers=headers)


def refused(text):
    return Answer(400, f"{text}\n", (("x-vo-authenticated", "sandbox"),))


def login(text):
    return ((LOGIN, base64.b64encode(text.encode()).decode()),)


CHECKS = [
    ("image absent", create(image=None), refused("Missing parameter 'image'")),
    ("image empty", create(image=""), refused("image is required")),
    ("image blank", create(image=" \t"), refused("image is required")),
    (
        "image elsewhere",
        create(image="docker.io/x:1", type="x"),
        refused("session image 'docker.io/x:1' must come from one of [images.canfar.net]"),
    ),
    (
        "image without host",
        create(image="skaha/astroml:24.07"),
        refused("session image 'skaha/astroml:24.07' must come from one of [images.canfar.net]"),
    ),
    ("image by its beginning", create(image="images.canfar.net.evil/x:1", headers=login("a:b")), MADE),
    ("type unknown", create(type="batch", cores="x"), refused("Invalid session type: batch")),
    ("type blank", create(type="  "), MADE),
    ("type empty", create(type=""), MADE),
    ("type in capitals", create(type="HeadLess"), MADE),
    ("type with blanks", create(type=" carta "), MADE),
    ("type firefly", create(type="firefly"), MADE),
    ("type contributed", create(type="contributed"), MADE),
    (
        "type desktop-app",
        create(type="desktop-app"),
        Answer(500, re.compile("unexpected exception: .*launch-desktop_app.yaml")),
    ),
    ("cores before ram", create(cores="x", ram="y"), refused("Invalid value for 'cores': x")),
    ("cores below one", create(cores="0.5"), refused("Invalid value for 'cores': 0.5")),
    ("cores zero", create(cores="0"), refused("Invalid value for 'cores': 0")),
    ("cores negative", create(cores="-1"), refused("Invalid value for 'cores': -1")),
    ("cores too many", create(cores="17"), refused("Invalid value for 'cores': 17")),
    ("cores 16.9", create(cores="16.9"), MADE),
    ("cores as a Java double", create(cores=" 2e0d "), MADE),
    ("cores NaN", create(cores="NaN"), refused("Invalid value for 'cores': NaN")),
    ("cores with a comma", create(cores="2,5"), refused("Invalid value for 'cores': 2,5")),
    ("cores blank", create(cores=" "), MADE),
    ("cores empty", create(cores=""), MADE),
    ("ram before name", create(ram="3", name=None), refused("Invalid value for 'ram': 3")),
    ("ram 5", create(ram="5"), refused("Invalid value for 'ram': 5")),
    ("ram 18", create(ram="18"), refused("Invalid value for 'ram': 18")),
    ("ram 22", create(ram="22"), refused("Invalid value for 'ram': 22")),
    ("ram 193", create(ram="193"), refused("Invalid value for 'ram': 193")),
    ("ram with a unit", create(ram="8G"), refused("Invalid value for 'ram': 8G")),
    ("ram blank", create(ram=""), MADE),
    ("name absent", create(name=None, gpus="0"), refused("Missing parameter 'name'")),
    ("name empty", create(name=""), refused("Missing parameter 'name'")),
    ("name blank", create(name="  "), refused("Missing parameter 'name'")),
    ("name with _", create(name="a_b", gpus="0"), refused("name can only contain alpha-numeric chars and '-'")),
    ("name with a dot", create(name="a.b"), refused("name can only contain alpha-numeric chars and '-'")),
    ("name with a newline", create(name="a\n"), refused("name can only contain alpha-numeric chars and '-'")),
    ("name é", create(name="é"), refused("name can only contain alpha-numeric chars and '-'")),
    ("name -", create(name="-"), refused("canfar.net/name label value cannot be blank")),
    ("name -a", create(name="-a"), refused("canfar.net/name label value cannot be blank")),
    ("name a-", create(name="a-"), Answer(500, NO_JOB)),
    ("name of 63", create(name="a" * 63), MADE),
    ("name of 64", create(name="a" * 64), Answer(500, NO_JOB)),
    ("gpus 0", create(gpus="0", image=PRIVATE), refused("Invalid value for 'gpus': 0")),
    ("gpus 1.0", create(gpus="1.0"), refused("Invalid value for 'gpus': 1.0")),
    ("gpus +1", create(gpus="+1"), MADE),
    ("gpus with a blank", create(gpus=" 1"), refused("Invalid value for 'gpus':  1")),
    ("gpus 29", create(gpus="29"), refused("Invalid value for 'gpus': 29")),
    ("gpus blank", create(gpus=" "), MADE),
    ("private image", create(image=PRIVATE), Answer(400, NO_LOGIN)),
    ("login empty", create(image=PRIVATE, headers=((LOGIN, ""),)), Answer(400, NO_LOGIN)),
    ("login", create(image=PRIVATE, headers=login("user:secret")), MADE),
    ("login without a secret", create(image=PRIVATE, headers=login("user")), NOT_A_LOGIN),
    ("login with two :", create(image=PRIVATE, headers=login("user:se:cret")), NOT_A_LOGIN),
    ("login that is no base64", create(image=PRIVATE, headers=((LOGIN, "!!"),)), NOT_A_LOGIN),
    ("login of a public image", create(headers=((LOGIN, "!!"),)), MADE),
    ("trailing slash", create("/v1/session/"), Answer(400, "Cannot modify an existing session\n")),
    ("below an id", create("/v1/session/abc"), Answer(400, "Cannot modify an existing session\n")),
    ("the answer", create(), Answer(200, ID, (("content-type", "text/plain"),))),
]


@pytest.mark.parametrize(("request_", "answer"), [row[1:] for row in CHECKS], ids=names(CHECKS))
def test_checks(sandbox, request_, answer):
    assert differences(send(sandbox, request_), answer) == []
    assert len(sandbox.sessions()) == (answer.status == 200)


def test_stock_ram_options(sandbox):
    assert tuple(sandbox.get("/context").json()["memoryGB"]["options"]) == RAM
    assert sandbox.get("/context").json()["cores"]["options"] == list(range(1, 17))
    assert sandbox.get("/context").json()["gpus"]["options"] == list(range(1, 29))


# Parameters of a create, and what the session's entry shows.
ENTRIES = [
    ("lower case", {"name": "NGC-4501"}, {"name": "ngc-4501"}),
    ("flexible", {}, {"isFixedResources": False, "requestedRAM": None, "requestedCPUCores": None}),
    ("cores alone", {"cores": "4"}, {"isFixedResources": False, "requestedRAM": None, "requestedCPUCores": None}),
    ("ram alone", {"ram": "1"}, {"isFixedResources": True, "requestedRAM": "1.07", "requestedCPUCores": "1"}),
    ("GB", {"ram": "16", "cores": "2"}, {"requestedRAM": "17.18", "requestedCPUCores": "2"}),
    ("fractions", {"ram": "8.5", "cores": "2.5"}, {"requestedRAM": "9.13", "requestedCPUCores": "2.500"}),
    ("gpus", {"gpus": "2"}, {"requestedGPUCores": "0"}),
    ("desktop", {"type": "desktop", "ram": "8"}, {"requestedRAM": "1.07", "requestedCPUCores": "0.250"}),
    ("firefly", {"type": "firefly", "ram": "8"}, {"requestedRAM": "4.29", "requestedCPUCores": "0.100"}),
    ("headless URL", {}, {"connectURL": ""}),
    (
        "notebook URL",
        {"type": "notebook"},
        {"connectURL": "/session/notebook/{id}/lab/tree/arc/home/sandbox?token={id}"},
    ),
    (
        "desktop URL",
        {"type": "desktop"},
        {"connectURL": "/session/desktop/{id}/?password={id}&path=session/desktop/{id}/"},
    ),
    ("carta URL", {"type": "carta"}, {"connectURL": "/session/carta/{id}/"}),
    ("contributed URL", {"type": "contributed"}, {"connectURL": "/session/contrib/{id}/"}),
    ("firefly URL", {"type": "firefly"}, {"connectURL": "/session/firefly/{id}/firefly/"}),
]


@pytest.mark.parametrize(("fields", "shown"), [row[1:] for row in ENTRIES], ids=names(ENTRIES))
def test_entries(sandbox, fields, shown):
    made = send(sandbox, create(**fields))
    identifier = made.text.strip()
    entry = sandbox.get(f"/session/{identifier}").json()
    entry["connectURL"] = entry["connectURL"].removeprefix(sandbox.origin)
    assert {name: entry.get(name) for name in shown} == {
        name: value.format(id=identifier) if isinstance(value, str) else value for name, value in shown.items()
    }
    if entry["connectURL"]:
        assert sandbox.http.get(entry["connectURL"]).status_code == 200


def test_limit_counts_neither_headless_sessions_nor_desktop_apps(sandbox):
    desktop = send(sandbox, create(type="desktop")).text.strip()
    attached = send(sandbox, create(f"/v1/session/{desktop}/app"))
    assert differences(attached, Answer(200, ANYTHING)) == []
    for kind in ("headless", "notebook", "carta", "firefly", "contributed"):
        assert send(sandbox, create(type=kind)).status_code == 200
    text = "User sandbox has reached the maximum of 5 active sessions.\n"
    assert differences(send(sandbox, create(type="notebook", gpus="0", image=PRIVATE)), Answer(400, text)) == []
    assert send(sandbox, create()).status_code == 200
