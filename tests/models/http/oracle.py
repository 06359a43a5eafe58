"""A real HTTP server that speaks the OpenAI API, truly looks at the pictures it is sent, and misbehaves on demand."""

from __future__ import annotations

import base64
import io
import json
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...evaluate.eyes import COLOURS

MODEL, PLACES = "oracle-1", ("first", "middle", "last")
Frames = list[NDArray[np.uint8]]


class Oracle(ThreadingHTTPServer):
    """Names the colour of the frame asked about; blind, it takes the first option.

    script: what happens to the next questions, one entry each, before it answers as it should. forever: what happens
    to every question. crowd: questions are held until so many have been open at one time. posts: their bodies.
    done_before: how many had been answered when each came. busiest: most questions that were open at one time.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Callable[[Handler], None]] = []
        self.forever: Callable[[Handler], None] | None = None
        self.posts: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.done_before: list[int] = []
        self.gets = self.open = self.done = self.busiest = self.crowd = 0
        self.listing: Any = {"data": [{"id": MODEL, "root": "eyes/v1", "owned_by": "tests"}]}
        self.lock = threading.Lock()
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Oracle
    unsettled = False

    def do_GET(self) -> None:
        self.server.gets += 1
        listing = self.server.listing
        self.send(404, b"") if listing is None else self.send(200, json.dumps(listing).encode())

    def do_POST(self) -> None:
        server = self.server
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.posts.append(self.body)
            server.headers.append(dict(self.headers.items()))
            server.done_before.append(server.done)
            server.open += 1
            self.unsettled = True
            server.busiest = max(server.busiest, server.open)
            act = server.script.pop(0) if server.script else server.forever or answer
        try:
            while server.busiest < server.crowd and not server.over.wait(0.005):
                pass
            act(self)
        finally:
            self.settle()

    def settle(self) -> None:
        """Counts the question as answered, once; before the client can know it, so that no count is too high."""
        with self.server.lock:
            self.server.open -= self.unsettled
            self.server.done += self.unsettled
            self.unsettled = False

    def send(self, status: int, content: bytes, **headers: str) -> None:
        self.settle()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def oracle() -> Iterator[Oracle]:
    server = Oracle()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def answer(handler: Handler) -> None:
    handler.send(200, json.dumps(completion(handler.body)).encode())


def status(code: int, text: str = "no", **headers: str) -> Callable[[Handler], None]:
    content = json.dumps({"error": {"message": text}}).encode()
    return lambda handler: handler.send(code, content, **headers)


def says(content: bytes, code: int = 200) -> Callable[[Handler], None]:
    return lambda handler: handler.send(code, content)


def hang(handler: Handler) -> None:
    handler.server.over.wait()
    handler.close_connection = True


def dribble(handler: Handler) -> None:
    """A byte now and then, so that every single read is quick and the whole never ends."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not handler.server.over.wait(0.05):
        handler.wfile.write(b" ")


def flood(handler: Handler) -> None:
    """Spaces without end, packed a thousand times smaller than they are."""
    packer = zlib.compressobj(wbits=31)
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.end_headers()
    with suppress(ConnectionError):
        while not handler.server.over.is_set():
            handler.wfile.write(packer.compress(b" " * 2**20))
    handler.close_connection = True


def close_mid_body(handler: Handler) -> None:
    whole = json.dumps(completion(handler.body)).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(whole)))
    handler.end_headers()
    handler.wfile.write(whole[: len(whole) // 2])
    handler.close_connection = True


def echo_key(handler: Handler) -> None:
    status(401, f"bad key {handler.headers['Authorization'].split()[-1]}, {handler.headers['Authorization']}")(handler)


def echo_key_as_reply(handler: Handler) -> None:
    reply = completion(handler.body)
    reply["choices"][0]["message"]["content"] = f"A. Your key is {handler.headers['Authorization']}"
    handler.send(200, json.dumps(reply).encode())


def completion(body: dict[str, Any]) -> dict[str, Any]:
    """What an honest server returns: the letter, its likely tokens where asked for, and the tokens used."""
    content = body["messages"][0]["content"]
    prompt, frames = (content, []) if isinstance(content, str) else (content[-1]["text"], seen(body))
    question, *lines = prompt.splitlines()
    options = [line.partition(". ")[2] for line in lines[:-1]]
    letters = "ABCDEFGHIJ"[: len(options)]
    letter = letters[options.index(colour(frames, question)) if frames else 0]
    choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": letter}, "finish_reason": "stop"}
    if body.get("logprobs"):
        rest = 0.1 / (len(letters) - 1)
        listed = [{"token": other, "logprob": float(np.log(rest))} for other in letters if other != letter]
        listed += [{"token": letter, "logprob": float(np.log(0.6))}, {"token": f" {letter}", "logprob": np.log(0.3)}]
        choice["logprobs"] = {"content": [{"token": letter, "logprob": np.log(0.6), "top_logprobs": listed}]}
    usage = {"prompt_tokens": 50 + 10 * len(frames), "completion_tokens": 1, "total_tokens": 51 + 10 * len(frames)}
    return {"id": "c", "object": "chat.completion", "choices": [choice], "usage": usage}


def seen(body: dict[str, Any]) -> Frames:
    """The frames that the parts of the message show."""
    return [frame for part in body["messages"][0]["content"][:-1] for frame in pictures(part, body)]


def pictures(part: dict[str, Any], body: dict[str, Any]) -> Frames:
    if part["type"] == "image_url":
        head, data = part["image_url"]["url"].split(",")
        assert head == "data:image/jpeg;base64"
        return [jpeg(data)]
    url = part["video_url"]["url"]
    how = body["media_io_kwargs"]["video"]
    if url.startswith("file://"):
        return sampled(io.BytesIO(open(url.removeprefix("file://"), "rb").read()), how)  # noqa: PTH123
    head, *data = url.split(",")
    if head == "data:video/jpeg;base64":
        assert how["num_frames"] == len(data) == len(how["frames_indices"])
        return [jpeg(picture) for picture in data]
    assert head == "data:video/mp4;base64"
    return sampled(io.BytesIO(base64.b64decode(data[0], validate=True)), how)


def jpeg(data: str) -> NDArray[np.uint8]:
    picture = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    assert picture.format == "JPEG"
    return np.asarray(picture)


def sampled(file: io.BytesIO, how: dict[str, Any]) -> Frames:
    with av.open(file) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return [frames[index] for index in np.linspace(0, len(frames) - 1, how["num_frames"]).astype(int)]


def colour(frames: Frames, question: str) -> str:
    which = {"first": 0, "middle": len(frames) // 2, "last": -1}[question.split()[-1][:-1]]
    mean = frames[which].reshape(-1, 3).mean(axis=0)
    return min(COLOURS, key=lambda name: float(np.abs(mean - COLOURS[name]).sum()))
