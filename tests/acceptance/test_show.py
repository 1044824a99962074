"""`show`: the history of one replica, with the server and without it."""

from __future__ import annotations

import random
import string

ONCE = 'test -e once && exec sleep 600; touch once; echo "error: no flat"; exit 2\n'


def project(desk):
    (desk.folder / "once.sh").write_text(ONCE)
    desk.write(
        {
            "name": "reduce", "cmd": "bash", "args": ["once.sh"], "retries": 1, "retry_wait": "1s", "cores": 1, "ram": 2
        },
        {"name": "mosaic", "replicas": 2, "cmd": "true", "needs": ["reduce"]},
    )  # fmt: skip


def test_the_history_of_a_replica_names_attempts_causes_and_dependents(desk, sandbox):
    project(desk)
    assert "new" in desk("show", "reduce").out or "create" in desk("show", "reduce").out
    desk.apply("--wait", "complete", "--poll", "0.3s", "--timeout", "6s", code=10)
    text = desk("show", "REDUCE").out
    assert text.startswith("reduce  (reduce/1 of survey)\n")
    for line in (
        "  requested   1 cores, 2 GB ram, headless",
        "  needed by   mosaic (0 of 2 done)",
        "retry: attempt 1 failed",
    ):
        assert line in text
    document = desk("show", "reduce/1", "-o", "json").json
    assert document["format_version"] == "1.2"
    shown = document["replicas"][0]
    assert [(one["attempt"], one["phase"], one["cause"]) for one in shown["attempts"]] == [
        (1, "failed", "error: no flat"),
        (2, "running", None),
    ]
    failed, running = shown["attempts"]
    assert failed["started"] <= failed["ended_after"] <= failed["ended"]
    assert (running["ended_after"], running["ended"]) == (None, None)
    assert (shown["log"], shown["log_attempt"]) == (["error: no flat"], 1)
    assert any("Started" in line for line in shown["events"])
    waiting = desk("show", "mosaic").out
    assert waiting.count("needs       reduce (0 of 1 done)") == 2
    assert max(map(len, waiting.splitlines())) <= 80
    # without the server: the state and the saved logs, and a warning
    away = desk("show", "reduce", "-o", "json", SKAHA_URL="http://127.0.0.1:9/skaha/v1", SKAHA_APPLY_RETRY_TIME="1s")
    assert "127.0.0.1:9" in away.err
    assert away.json["replicas"][0]["attempts"][0]["cause"] == "error: no flat"
    assert away.json["replicas"][0]["log"] == ["error: no flat"]
    assert away.json["replicas"][0]["offline"]


def test_an_unknown_name_gets_the_nearest_names_and_no_input_a_traceback(desk):
    project(desk)
    assert "The nearest names are: reduce." in desk("show", "redcue", code=4).err
    draw = random.Random(12)
    alphabet = string.printable.replace("\x0b", "") + "é…\u202e/*?[]"
    for _ in range(20):
        words = [
            "".join(draw.choices(alphabet, k=draw.randint(1, 12))).replace("\0", "") for _ in range(draw.randint(1, 2))
        ]
        ended = desk("show", *words, check=False)
        assert ended.code in (0, 1, 2, 4)
        assert "Traceback" not in ended.err
        assert "internal error" not in ended.err
