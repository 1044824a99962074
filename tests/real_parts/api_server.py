"""A stand-in for the API server of Kubernetes: enough for `kubectl create`, and it keeps the jobs that it gets."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")  # [Kubernetes, IsEnvVarName]
_RESOURCES = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {
                "name": "batch",
                "versions": [{"groupVersion": "batch/v1", "version": "v1"}],
                "preferredVersion": {"groupVersion": "batch/v1", "version": "v1"},
            }
        ],
    },
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": []},
    "/apis/batch/v1": {
        "kind": "APIResourceList",
        "groupVersion": "batch/v1",
        "resources": [{"name": "jobs", "singularName": "job", "namespaced": True, "kind": "Job", "verbs": ["create"]}],
    },
}


class Cluster:
    """Serves on loopback; `containers` maps the name of a job to the container of its pod."""

    def __init__(self):
        self.containers: dict[str, dict] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def admit(self, job):
        """Keep a job. False if Kubernetes refuses it: a value is not a text, or a name is not that of a variable."""
        container = job["spec"]["template"]["spec"]["containers"][0]
        texts = [*container.get("command", []), *container.get("args", [])]
        texts += [part.get("value") for part in container["env"]]
        names = [part["name"] for part in container["env"]]
        if not all(isinstance(text, str) for text in texts) or not all(_NAME.fullmatch(str(name)) for name in names):
            return False
        self.containers[job["metadata"]["name"]] = container
        return True

    def _handler(cluster):  # noqa: N805 - `self` is the request
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                found = _RESOURCES.get(self.path.partition("?")[0])
                self._send(200 if found else 404, found or {"kind": "Status", "status": "Failure", "code": 404})

            def do_POST(self):
                job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                admitted = cluster.admit(job)
                refusal = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "invalid", "code": 422}
                self._send(201 if admitted else 422, job if admitted else refusal)

            def _send(self, status, document):
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler


def received(container):
    """Command, arguments and variables of a container after Kubernetes has filled in `$(NAME)`."""
    known: dict[str, str] = {}
    for part in container["env"]:
        known[part["name"]] = _fill(part["value"], known)
    words = [*container.get("command", []), *container.get("args", [])]
    return [_fill(word, known) for word in words], known


def _fill(text, known):
    """`$(NAME)` becomes the value of a known variable, `$$` becomes `$`; all else stays."""

    def replaced(found):
        if found[0] == "$$":
            return "$"
        return known.get(found[1], found[0])

    return re.sub(r"\$\$|\$\(([^()]*)\)", replaced, text)
