"""lmms-eval's own classes for services, against a real server on this machine that looks at the pictures it is sent."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from apollobench.evaluate.ledger import RunCounts
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.lmms.visuals import write_lossless
from apollobench.models.registry import load_model
from apollobench.types import Item, Mode, Status

from ..evaluate import eyes

KEY = "sk-not-to-be-found"
CASES = {
    "openai chat": ("openai", {}),
    "openai simple": ("openai", {"force_simple": "true"}),
    "async_openai chat": ("async_openai", {}),
}


class Service(BaseHTTPRequestHandler):
    """The OpenAI API as far as it is asked; it refuses questions that contain `refused`."""

    refused = "nothing"
    look: Callable[[str, list[np.ndarray]], str]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        (message,) = body["messages"]
        parts = (
            message["content"]
            if isinstance(message["content"], list)
            else [{"type": "text", "text": message["content"]}]
        )
        (text,) = [part["text"] for part in parts if part["type"] == "text"]
        pictures = [decoded(part["image_url"]["url"]) for part in parts if part["type"] == "image_url"]
        if self.refused in text:
            self.reply(400, {"error": {"message": "refused"}})
            return
        choice = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": self.look(text, pictures)},
        }
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        head = {"id": "1", "object": "chat.completion", "created": 1, "model": body["model"]}
        self.reply(200, {**head, "choices": [choice], "usage": usage})

    def reply(self, status: int, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


def decoded(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1]))).convert("RGB"))


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Three questions on each of two videos, not 48 pixels wide: decord cannot read frames of that width."""
    folder = tmp_path_factory.mktemp("world")
    for number in (0, 1):
        eyes.write_video(folder / f"{number:03d}.mp4", eyes.ORDERS[number], side=56)
    return eyes.read_world(folder)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Service]]:
    from . import plugin

    class Mine(Service):
        look = staticmethod(plugin.look)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Mine)
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("OPENAI_API_BASE", f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    yield Mine
    server.shutdown()
    thread.join()
    server.server_close()


def ask(case: str, items: list[Item], store: Path) -> RunCounts:
    name, more = CASES[case]
    given = {"model_version": "looker", "frames": "6", "max_retries": "1", **more}
    with Store(store) as opened:
        return run(load_model(f"lmms_eval:{name}", given), items, tuple(Mode), opened, progress=False)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("case", CASES)
def test_the_service_sees_every_frame_in_order(case: str, items: list[Item], tmp_path: Path) -> None:
    counts = ask(case, items, tmp_path)
    assert counts.statuses[Status.OK] == len(counts.responses)
    keys = {item.id: item.answer for item in items}
    right = {mode: [r.item for r in counts.responses if r.mode is mode and r.choice == keys[r.item]] for mode in Mode}
    assert right[Mode.VIDEO] == [item.id for item in items]
    assert right[Mode.FRAME] == [item.id for item in items if item.id.endswith("middle")]
    assert len(right[Mode.SHUFFLED]) < len(items)
    assert {response.choice for response in counts.responses if response.mode is Mode.TEXT} == {0}
    assert not [path for path in tmp_path.rglob("*.jsonl") if KEY in path.read_text()]


@pytest.mark.usefixtures("service")
def test_no_frame_is_sent_for_another(tmp_path: Path) -> None:
    """Grey frames of a file, each lighter than the one before, come out of a message in that order, every time."""
    from lmms_eval.protocol import ChatMessages

    load_model("lmms_eval:openai", {"model_version": "looker"})
    path, greys = tmp_path / "greys.mp4", [20 * n for n in range(12)]
    write_lossless(path, [np.full((56, 56, 3), grey, np.uint8) for grey in greys])
    shown = {"role": "user", "content": [{"type": "video", "url": str(path)}]}
    for _ in range(100):
        (message,) = ChatMessages(messages=[shown]).to_openai_messages({"nframes": 12})
        sent = [round(float(decoded(part["image_url"]["url"]).mean())) for part in message["content"]]
        assert sent == greys


@pytest.mark.parametrize("case", CASES)
def test_a_request_that_the_service_refuses_is_an_error(
    case: str, service: type[Service], items: list[Item], tmp_path: Path
) -> None:
    service.refused = "shown middle"
    counts = ask(case, items[:3], tmp_path)
    failed = [response for response in counts.responses if response.status is Status.ERROR]
    assert {response.item[-6:] for response in failed} == {"middle"}
    assert len(failed) == len(Mode)
    assert all("refused" in (response.error or "") for response in failed)
    assert counts.statuses[Status.OK] == len(counts.responses) - len(failed)
