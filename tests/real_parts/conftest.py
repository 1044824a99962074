"""The real text-processing parts of the server, as a running server; skipped where one of them is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
JARS = Path("/usr/share/java")  # where Debian's packages put them
PROGRAMS = ("java", "javac", "kubectl")
LIBRARIES = ("snakeyaml.jar", "tomcat9-catalina.jar", "tomcat9-coyote.jar")


@dataclass
class Parts:
    """A server with the real parts; `containers` holds what Kubernetes was asked to run, by session name."""

    url: str
    containers: dict[str, dict]


@pytest.fixture(scope="session")
def parts(tmp_path_factory):
    """Start Tomcat, SnakeYAML and kubectl behind one address; CONTRIBUTING.md names the packages."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    missing += [name for name in LIBRARIES if not (JARS / name).exists()]
    if missing:
        pytest.skip(f"real parts of the server are not installed: {', '.join(missing)} (CONTRIBUTING.md)")
    from api_server import Cluster  # noqa: PLC0415 - lies next to this file

    folder = tmp_path_factory.mktemp("real-parts")
    classpath = f"{JARS}/*:{folder}"
    subprocess.run(["javac", "-cp", classpath, "-d", folder, HERE / "Server.java"], check=True, timeout=120)
    with Cluster() as cluster:
        command = ["java", "-Xshare:auto", "-cp", classpath, "Server", str(folder), cluster.url]
        log = (folder / "server.log").open("w", encoding="utf-8")
        with log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
            try:
                port = int(process.stdout.readline())
                yield Parts(f"http://127.0.0.1:{port}/skaha/v1", cluster.containers)
            finally:
                process.kill()
