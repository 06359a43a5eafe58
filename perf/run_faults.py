"""Events that hit what a run depends on: the server, the memory of the GPU, the video files."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from echo_server import free_port, serve
from event import check, event
from ground import Ground, alike

from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store, is_store, load_responses
from apollobench.models.registry import load_model
from apollobench.types import Answer, Mode, Request, Status


@event("the server dies and comes back", "requests wait for it; no answer is lost, none is an error")
def server(ground: Ground, _: int) -> str:
    output, port, items = ground.new("server"), free_port(), ground.pool
    arguments = {"base_url": f"http://127.0.0.1:{port}/v1", "model": "echo", "tries": "12", "frames": "2"}
    os.environ["NO_PROXY"] = "127.0.0.1"
    first = serve(port)

    def act() -> None:
        with Store(output) as store:
            run(load_model("http:echo", arguments), items, [Mode.TEXT], store, progress=False)

    child = ground.fork(act, ground.journal(output))
    deadline = time.monotonic() + 120
    while not (is_store(output) and len(load_responses(output)) > len(items) // 4) and time.monotonic() < deadline:
        time.sleep(0.02)
    before = len(load_responses(output))
    first.kill()
    first.wait()
    time.sleep(1)
    second = serve(port)
    check(child.wait() == 0, child.said)
    second.kill()
    second.wait()
    responses = load_responses(output)
    check(len(responses) == len(items) and all(one.status is Status.OK for one in responses), "errors")
    return f"killed after {before} of {len(items)} answers, back a second later: {len(responses)} answers, no error"


@event("the GPU is out of memory", "the batch is halved until it fits; every answer is there")
def out_of_memory(ground: Ground, _: int) -> str:
    output, sizes, items = ground.new("memory"), [], ground.pool
    model = load_model(PANEL_MODEL)

    class Small:
        """The model on a device that holds five questions."""

        def __getattr__(self, name: str) -> Any:
            return getattr(model, name)

        def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
            sizes.append(len(requests))
            if len(requests) > 5:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return model.answer(requests)

    with Store(output) as store:
        counts = run(Small(), items, [Mode.TEXT, Mode.VIDEO], store, batch_size=len(items), progress=False)
    expected = {one.key: one for one in ground.undisturbed}
    check(all(expected[one.key].choice == one.choice for one in counts.responses), "other answers")
    check(len(sizes) < 2 * len(counts.responses), "asked one by one")
    return (
        f"batches of up to {max(sizes)} came down to at most 5 in {len(sizes)} calls; {counts.asked} answers, no error"
    )


PANEL_MODEL = "apollo-tiny-s"


@event("a video changes during the run", "its questions fail with the reason, and the next run asks only them again")
def video_changes(ground: Ground, _: int) -> str:
    from apollobench.evaluate import prepare  # noqa: F401  # imported before its decoder is watched
    from apollobench.video import decode

    output, path = ground.new("changed"), ground.pool[0].video.path
    real, original = decode.decode, path.read_bytes()
    own = [item for item in ground.pool if item.video.path == path]
    donor = next(item.video.path for item in ground.pool if item.video.path != path).read_bytes()

    def overtaken(probed: Any, *given: Any) -> Any:
        if probed.path == path:
            path.write_bytes(donor)
        return real(probed, *given)

    try:
        decode.decode = overtaken
        with Store(output) as store:
            first = run(load_model(PANEL_MODEL), ground.pool, [Mode.VIDEO], store, progress=False)
    finally:
        decode.decode = real
        path.write_bytes(original)
    failed = [one for one in first.responses if one.status is Status.ERROR]
    check({one.item for one in failed} == {item.id for item in own}, [one.error for one in failed])
    check(all(str(path) in (one.error or "") for one in failed), "not named")
    with Store(output) as store:
        again = run(load_model(PANEL_MODEL), ground.pool, [Mode.VIDEO], store, progress=False)
    expected = {one.key: one for one in ground.undisturbed}
    check(
        again.asked == len(own) and alike(again.responses, [expected[one.key] for one in again.responses]), "not mended"
    )
    reason = (failed[0].error or "").rpartition(": ")[2]
    return f'{len(failed)} questions failed, "{reason}"; the next run asked those {again.asked}'
