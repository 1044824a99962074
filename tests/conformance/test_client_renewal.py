"""The published client renews the token of its own file when the tool runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

import pytest
from ruamel.yaml import YAML

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


@pytest.fixture
def provider():
    """An identity provider on loopback; it gives `tokens` one after the other, and keeps what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            server.asked.append(form["refresh_token"][0])
            answer = {"access_token": server.tokens.pop(0), "token_type": "Bearer", "expires_in": 3600}
            body = json.dumps({**answer, "refresh_token": "second-refresh-token", "scope": "openid"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.tokens, server.asked = [], []
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_an_expired_token_of_its_file(client, sandbox, provider, tmp_path):
    canfar = client("canfar")
    provider.tokens.append(sandbox.control("POST", "/tokens", json={"lifetime_s": 3600})["token"])
    origin = f"http://127.0.0.1:{provider.server_port}"
    record = {
        "idp": "lab",
        "mode": "oidc",
        "endpoints": {"discovery": f"{origin}/discovery", "token": f"{origin}/token"},
        "client": {"identity": "skaha", "secret": "client-secret"},
        "token": {"access": "old", "refresh": "first-refresh-token", "token_type": "Bearer", "scope": "openid"},
        "expiry": {"access": time.time() - 60},
    }
    server = {"idp": "lab", "uri": "ivo://example.org/skaha", "url": f"{sandbox.origin}/skaha", "version": "v1"}
    document = {
        "version": 2,
        "active": {"authentication": "lab", "server": "mylab"},
        "authentication": {"lab": record},
        "servers": {"mylab": {**server, "auths": ["oidc"]}},
    }
    path = canfar.home / ".canfar" / "config.yaml"
    path.parent.mkdir()
    path.write_text(json.dumps(document))
    (tmp_path / "m.yaml").write_text(
        "version: 1\nproject: p\nsessions: [{name: a, image: 'images.canfar.net/skaha/astroml:24.07', cmd: sleep}]\n"
    )
    environment = {"HOME": str(canfar.home), "PATH": f"{canfar.bin}:{os.environ['PATH']}"}
    words = [sys.executable, "-m", "skaha_apply", "plan", "m.yaml"]
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert provider.asked == ["first-refresh-token"]
    kept = YAML(typ="safe").load(path.read_text())["authentication"]["lab"]["token"]
    assert kept["refresh"] == "second-refresh-token"
    assert kept["access"] not in done.stdout + done.stderr
