"""Addresses, methods, authentication and the reading of parameters, as tables."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from facts import ANYTHING, FORM, ID, IMAGE, JSON, TEXT, TOMCAT, UTF8, Answer, Request, differences, names, send

ALLOW = (("allow", "GET, POST, DELETE"), ("x-vo-authenticated", None))
READ_ONLY = (("allow", "GET"), ("x-vo-authenticated", None))
EVERY = (("allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS"),)
KNOWN = (("x-vo-authenticated", "sandbox"), ("server", "OpenCADC/cadc-rest"))
UNKNOWN = (("x-vo-authenticated", None),)
ANONYMOUS = "cannot get group memberships for anonymous\n"


def challenge(text, error="invalid_token"):
    return (("www-authenticate", f'Bearer error="{error}", error_description="{text}"'), *UNKNOWN)


ADDRESSES = [
    ("session", Request("GET /v1/session"), Answer(200, "[]", (("content-type", JSON), *KNOWN))),
    ("context", Request("GET /v1/context"), Answer(200, ANYTHING, (("content-type", JSON), *KNOWN))),
    ("image", Request("GET /v1/image"), Answer(200, ANYTHING, (("content-type", JSON), *KNOWN))),
    ("repository", Request("GET /v1/repository"), Answer(200, ANYTHING, (("content-type", JSON), *KNOWN))),
    ("below context", Request("GET /v1/context/x/y"), Answer(200, ANYTHING, KNOWN)),
    ("below image", Request("GET /v1/image/"), Answer(200, ANYTHING, KNOWN)),
    ("below repository", Request("GET /v1/repository/x"), Answer(200, ANYTHING, KNOWN)),
    ("capabilities", Request("GET /capabilities", token=""), Answer(200, re.compile(r"<\?xml.*", re.DOTALL))),
    ("availability", Request("GET /availability", token=""), Answer(200, re.compile(r"<\?xml.*", re.DOTALL))),
    ("head of capabilities", Request("HEAD /capabilities", token=""), Answer(200)),
    ("other version", Request("GET /v2/session"), Answer(404, TOMCAT)),
    ("other service", Request("GET /v1/sessions"), Answer(404, TOMCAT)),
    ("no version", Request("GET /session"), Answer(404, TOMCAT)),
]
METHODS = [
    ("PUT", Request("PUT /v1/session"), Answer(405, "unsupported: HTTP PUT\n", ALLOW)),
    ("PUT of one", Request("PUT /v1/session/abc"), Answer(405, "unsupported: HTTP PUT\n", ALLOW)),
    ("HEAD", Request("HEAD /v1/session"), Answer(405, "", ALLOW)),
    ("TRACE", Request("TRACE /v1/session"), Answer(405, "unsupported: HTTP TRACE\n", ALLOW)),
    ("POST of context", Request("POST /v1/context"), Answer(405, "unsupported: HTTP POST\n", READ_ONLY)),
    ("DELETE of image", Request("DELETE /v1/image"), Answer(405, "unsupported: HTTP DELETE\n", READ_ONLY)),
    ("HEAD of repository", Request("HEAD /v1/repository"), Answer(405, "", READ_ONLY)),
    ("PUT of image", Request("PUT /v1/image"), Answer(405, "unsupported: HTTP PUT\n", READ_ONLY)),
    ("405 without credentials", Request("PUT /v1/session", token=""), Answer(405, "unsupported: HTTP PUT\n", ALLOW)),
    ("PATCH", Request("PATCH /v1/session"), Answer(501, TOMCAT)),
    ("PATCH without credentials", Request("PATCH /v1/session/abc", token=""), Answer(501, TOMCAT)),
    ("OPTIONS", Request("OPTIONS /v1/session", token=""), Answer(200, "", EVERY)),
    ("OPTIONS of context", Request("OPTIONS /v1/context"), Answer(200, "", EVERY)),
]
CREDENTIALS = [
    ("none", Request("GET /v1/session", token=""), Answer(400, ANONYMOUS, UNKNOWN)),
    ("none, on a create", Request("POST /v1/session", token=""), Answer(400, ANONYMOUS, UNKNOWN)),
    ("none, on the offer", Request("GET /v1/context", token=""), Answer(400, ANONYMOUS, UNKNOWN)),
    (
        "expired",
        Request("GET /v1/session", token="token-expired"),
        Answer(401, "Token has expired", challenge("Token has expired")),
    ),
    (
        "wrong",
        Request("GET /v1/session", token="nobody"),
        Answer(401, "Token is not valid", challenge("Token is not valid")),
    ),
    (
        "wrong comes before unreadable parameters",
        Request("POST /v1/session", "env=A&ENV=B", token="nobody"),
        Answer(401, "Token is not valid", challenge("Token is not valid")),
    ),
    (
        "no access",
        Request("GET /v1/session", token="token-denied"),
        Answer(403, "Not authorized to use the skaha system\n", (("x-vo-authenticated", "denied"),)),
    ),
    (
        "another account",
        Request("GET /v1/session", token="token-of-another"),
        Answer(200, "[]", (("x-vo-authenticated", "another"),)),
    ),
    ("user on a 400", Request("POST /v1/session", "name=x"), Answer(400, "Missing parameter 'image'\n", KNOWN)),
    ("user on a 404", Request("GET /v1/session/nosuchid"), Answer(404, "session nosuchid not found\n", KNOWN)),
    ("user on a delete", Request("DELETE /v1/session/nosuchid"), Answer(200, "", KNOWN)),
    ("errors are plain text", Request("GET /v1/session/nosuchid"), Answer(404, ANYTHING, (("content-type", TEXT),))),
]
GOOD = f"image={IMAGE}&name=p"
NO_IMAGE = Answer(400, "Missing parameter 'image'\n")
NO_CHANGE = Answer(400, "Cannot modify an existing session\n")
TWO_SPELLINGS = Answer(400, "null\n", UNKNOWN)
NO_INPUT = Answer(500, "unexpected exception: java.io.IOException: failed to read input", UNKNOWN)
MADE = Answer(200, ID, (("content-type", TEXT), *KNOWN))
PART = 'Content-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'


def multipart(*fields, end="--B--\r\n"):
    return "".join("--B\r\n" + PART.format(*field) for field in fields) + end


MULTIPART = "multipart/form-data; boundary=B"
PARAMETERS = [
    ("form body", Request("POST /v1/session", GOOD), MADE),
    ("form in the query", Request(f"POST /v1/session?{GOOD}"), MADE),
    ("half and half", Request("POST /v1/session?name=p", f"image={IMAGE}"), MADE),
    ("query comes first", Request("POST /v1/session?name=a_b", GOOD), Answer(400, re.compile("name can only.*\n"))),
    ("no charset", Request("POST /v1/session", GOOD, FORM), MADE),
    ("type in capitals", Request("POST /v1/session", GOOD, FORM.upper()), MADE),
    ("no type", Request("POST /v1/session", GOOD, None), NO_IMAGE),
    ("no type, query", Request(f"POST /v1/session?{GOOD}", "", None), NO_IMAGE),
    ("JSON", Request("POST /v1/session", GOOD, JSON), NO_IMAGE),
    ("plain text", Request(f"POST /v1/session?{GOOD}", GOOD, TEXT), NO_IMAGE),
    ("renewal without a type", Request("POST /v1/session/abc?action=renew", "", None), NO_CHANGE),
    ("renewal as JSON", Request("POST /v1/session/abc?action=renew", "", JSON), NO_CHANGE),
    ("multipart", Request("POST /v1/session", multipart(("image", IMAGE), ("name", "p")), MULTIPART), MADE),
    ("multipart, query", Request(f"POST /v1/session?{GOOD}", multipart(("name", "p")), MULTIPART), NO_IMAGE),
    ("multipart, no boundary", Request("POST /v1/session", multipart(("name", "p")), "multipart/form-data"), NO_INPUT),
    ("multipart, cut", Request("POST /v1/session", multipart(("name", "p"), end=""), MULTIPART), NO_INPUT),
    ("multipart, empty", Request("POST /v1/session", "", MULTIPART), NO_IMAGE),
    ("names in any case", Request("POST /v1/session", f"IMAGE={IMAGE}&Name=p"), MADE),
    ("first value counts", Request("POST /v1/session", f"{GOOD}&name=a_b"), MADE),
    ("two spellings", Request("POST /v1/session", f"{GOOD}&env=A&ENV=B"), TWO_SPELLINGS),
    ("two spellings of an unknown name", Request("POST /v1/session", f"{GOOD}&x=1&X=2"), TWO_SPELLINGS),
    ("two spellings on a GET", Request("GET /v1/session?type=a&TYPE=b"), TWO_SPELLINGS),
    ("two spellings on a DELETE", Request("DELETE /v1/session/abc?a=1&A=2"), TWO_SPELLINGS),
    ("two spellings, query and body", Request("POST /v1/session?NAME=x", GOOD), TWO_SPELLINGS),
    ("unknown names", Request("POST /v1/session", f"{GOOD}&kind=notebook&replicas=9"), MADE),
    ("GET reads the query", Request("GET /v1/session?TYPE=nothing"), Answer(200, "[]", KNOWN)),
    (
        "multipart on a GET",
        Request("GET /v1/session?type=nothing", "a", headers=(("Content-Type", "multipart/form-data"),)),
        Answer(200, "[]", KNOWN),
    ),
    ("head above 8 KiB", Request(f"GET /v1/session?x={'x' * 8192}"), Answer(400, TOMCAT, UNKNOWN)),
    ("body above 2 MiB", Request("POST /v1/session", GOOD + "&env=" + "x" * 2**21), NO_IMAGE),
    ("more than 10,000", Request("POST /v1/session", "a&" * 10_000 + GOOD), NO_IMAGE),
    ("10,000", Request("POST /v1/session", "a&" * 9_998 + GOOD), MADE),
    ("broken escape", Request("POST /v1/session", f"{GOOD}&image=%zz"), MADE),
]


@pytest.mark.parametrize(("request_", "answer"), [row[1:] for row in ADDRESSES], ids=names(ADDRESSES))
def test_addresses(sandbox, request_, answer):
    assert differences(send(sandbox, request_), answer) == []


@pytest.mark.parametrize(("request_", "answer"), [row[1:] for row in METHODS], ids=names(METHODS))
def test_methods(sandbox, request_, answer):
    assert differences(send(sandbox, request_), answer) == []


@pytest.mark.parametrize(("request_", "answer"), [row[1:] for row in CREDENTIALS], ids=names(CREDENTIALS))
def test_credentials(sandbox, request_, answer):
    assert differences(send(sandbox, request_), answer) == []


@pytest.mark.parametrize(("request_", "answer"), [row[1:] for row in PARAMETERS], ids=names(PARAMETERS))
def test_parameters(sandbox, request_, answer):
    assert differences(send(sandbox, request_), answer) == []


# Text, how it is sent, and what arrives; None for a create that ends in 500.
CHARSETS = [
    ("é", UTF8, "é"),
    ("Čeněk", UTF8, "Čeněk"),
    ("日本", UTF8, "日本"),
    ("\N{EN DASH}", UTF8, "\N{EN DASH}"),
    ("€", f'{FORM};charset="utf-8"', "€"),
    ("é", FORM, "Ã©"),
    ("Å", FORM, "Ã "),
    ("Åb", FORM, "Ã b"),
    ("Čeněk", FORM, None),
    ("日本", FORM, None),
    ("\N{EN DASH}", FORM, None),
    ("€", FORM, None),
    ("é", f"{FORM}; charset=no-such", "Ã©"),
    ("é", f"{FORM}; charset=ISO-8859-1", "Ã©"),
    ("é", "query", "é"),
    ("日本", "query", "日本"),
    ("日本", "multipart", "日本"),
]


@pytest.mark.parametrize(("sent", "how", "arrives"), CHARSETS)
def test_charsets(sandbox, sent, how, arrives):
    form = f"image={IMAGE}&name=p&env=A={quote(sent)}"
    request = Request("POST /v1/session", form, how)
    if how == "query":
        request = Request(f"POST /v1/session?{form}", "", FORM)
    elif how == "multipart":
        fields = multipart(("image", IMAGE), ("name", "p"), ("env", f"A={sent}"))
        request = Request("POST /v1/session", fields, MULTIPART)
    reply = send(sandbox, request)
    if arrives is None:
        assert reply.status_code == 500
    else:
        assert reply.status_code == 200, reply.text
        assert sandbox.sessions()[0]["env"]["A"] == arrives
