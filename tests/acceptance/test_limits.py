"""`limits`: what the server offers, and what it does not report."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler


def test_options_limits_images_and_load_are_those_of_the_server(desk, sandbox):
    desk.write({"name": "desk", "kind": "notebook"}, {"name": "reduce", "cmd": "sleep", "args": ["600"]})
    desk.apply()
    writes = desk.writes()
    context, images = sandbox.get("/context").json(), sandbox.get("/image").json()
    found = desk("limits", "-o", "json").json
    assert found["cores"] == context["cores"]["options"]
    assert found["ram"] == context["memoryGB"]["options"]
    assert found["interactive"] == {"in_use": 1, "most": int(context["maxInteractiveSessions"])}
    assert {one["name"] for one in found["images"]} == {one["id"] for one in images}
    stats = sandbox.get("/session", view="stats").json()
    assert found["load"]["cores_requested"] == stats["cores"]["requestedCPUCores"]
    assert desk.writes() == writes


def test_a_filter_lists_images_and_lines_fit_80_columns(desk, sandbox):
    notebooks = [one["id"] for one in sandbox.get("/image", type="notebook").json()]
    lines = desk("limits", "--kind", "notebook").out.splitlines()
    assert [line.split()[0] for line in lines[lines.index("") + 1 :]] == sorted(notebooks)
    assert all(len(line) <= 80 for line in desk("limits").out.splitlines())
    assert desk("limits", "no-such-image").out.endswith("\nno image is selected\n")


class ListsOnly(BaseHTTPRequestHandler):
    """A server that lists no session, and reports nothing else."""

    def do_GET(self):
        is_list = self.path.endswith("/session")
        body = json.dumps([] if is_list else {"cores": 7}).encode()
        self.send_response(200 if is_list or "context" in self.path else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_what_the_server_does_not_report_is_unknown(desk, odd_server):
    url = {"SKAHA_URL": f"{odd_server(ListsOnly)}/skaha/v1", "SKAHA_APPLY_RETRY_TIME": "0.1s"}
    found = desk("limits", "-o", "json", **url).json
    assert {name for name, value in found.items() if value is None} == {
        "cores", "ram", "gpus", "registries", "images", "load",
    }  # fmt: skip
    assert desk("limits", **url).out.count("not reported by the server") == 6
