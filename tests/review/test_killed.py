"""A server that is killed in the middle of a burst of decisions has lost none that it had acknowledged."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from shutil import copytree
from urllib.parse import urlencode

from apollobench.benchmark import load_benchmark
from apollobench.review.ledger import NAME, Ledger

CLIENTS, BURST = 6, 150  # killed when so many have been acknowledged, with the others in flight


def test_nothing_acknowledged_is_lost(made: Path, tmp_path: Path) -> None:
    copytree(made.parent, tmp_path / "copy")
    benchmark = tmp_path / "copy" / made.name
    items = [item.id for item in load_benchmark(benchmark).items]
    command = ["review", str(benchmark), "--reviewer", "ada", "--no_browser"]
    for _ in range(2):  # the second server goes on with what the first has left
        with subprocess.Popen(
            [sys.executable, "-m", "apollobench", *command], stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:(\d+)/", server.stdout.readline())
            assert found is not None
            acknowledged = burst(int(found[1]), items, server.pid)
        with closing(Ledger(benchmark / NAME)) as ledger:
            kept = {row.note for history in ledger.histories().values() for row in history.told}
        assert len(acknowledged) >= BURST
        assert acknowledged <= kept
        copied = sorted(path.name for path in benchmark.glob("review.sqlite*"))
        assert copied == [NAME]  # closed in order, the log is folded in


def burst(port: int, items: list[str], server: int) -> set[str]:
    """The notes of the decisions that were acknowledged before the connection broke."""
    notes: set[str] = set()
    lock, stop = threading.Lock(), threading.Event()
    mark = os.urandom(4).hex()

    def decide(client: int) -> None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            for n in range(10**6):
                note = f"{mark} {client} {n}"
                item = items[(client + n) % len(items)]
                if n < len(items):
                    post(connection, port, {"item": item, "action": "answer", "value": "A"})
                if post(connection, port, {"item": item, "action": "discuss", "note": note}) == 303:
                    with lock:
                        notes.add(note)
                        if len(notes) >= BURST:
                            stop.set()
        except (OSError, http.client.HTTPException):
            return

    threads = [threading.Thread(target=decide, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    assert stop.wait(60)
    os.kill(server, signal.SIGKILL)
    for thread in threads:
        thread.join(30)
    return notes


def post(connection: http.client.HTTPConnection, port: int, fields: dict[str, str]) -> int:
    connection.request("POST", "/say", urlencode(fields), {"Origin": f"http://127.0.0.1:{port}"})
    answer = connection.getresponse()
    answer.read()
    return answer.status
