"""What reviewing costs: decisions a second that are on the disk, and how long a page takes to its first frame.

    python perf/review.py [--at FOLDER] [--clients 8] [--seconds 5] [--pages 15] [--items 40000]

Serves a generated benchmark by `apollobench review`, as a process of its own, in a folder made in `--at` (its disk is
the one that counts). Decisions are posted as the browser's forms post them, by one client and then by several at once;
each waits for the answer, which comes after the commit. Pages are opened in headless Chromium: from the start of the
navigation until the first frame is decoded and the page was painted twice after that.
"""

from __future__ import annotations

import argparse
import http.client
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from apollobench.benchmark import Entry, write_benchmark
from apollobench.report.tables import markdown_table
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import CATEGORIES, Item

if TYPE_CHECKING:
    from collections.abc import Iterator

# Runs before each page; times are milliseconds from the start of the navigation.
WATCH = """window.firstFrameAt = null;
document.addEventListener("loadeddata", () => requestAnimationFrame(() => requestAnimationFrame(() => {
  window.firstFrameAt = performance.now();
})), true);"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--at", type=Path, default=Path())
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--pages", type=int, default=15)
    parser.add_argument("--items", type=int, help="repeat the world's questions under new ids to have so many")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.at) as folder:
        benchmark, items = make_benchmark(Path(folder), options.items)
        with serving(benchmark) as port:
            print(markdown_table(["page", "first time, ms", "then, ms", "kB"], pages(port, items)), "\n", flush=True)
            rows = [decisions(port, items, clients, options.seconds) for clients in (1, options.clients)]
            print(markdown_table(["clients", "decisions/s", "median, ms", "99th, ms"], rows), "\n", flush=True)
            print(first_frames(port, items, options.pages))


def make_benchmark(folder: Path, count: int | None) -> tuple[Path, list[Item]]:
    make_world(folder / "data", 16, 2_000_000, workers=1, progress=False)
    world = [replace(item, category=CATEGORIES[0]) for item in read_world(folder / "data")]
    items = [replace(world[n % len(world)], id=f"{n}/{world[n % len(world)].id}") for n in range(count or len(world))]
    write_benchmark(folder / "benchmark", [Entry(item) for item in items], [], {"name": "perf"}, "# perf\n")
    return folder / "benchmark", items


@contextmanager
def serving(benchmark: Path) -> Iterator[int]:
    """The port of the command's server."""
    command = [sys.executable, "-m", "apollobench", "review", str(benchmark), "--reviewer", "ada", "--no_browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found = re.search(r":(\d+)/", server.stdout.readline())
        if found is None:
            raise SystemExit("the server did not start")
        yield int(found[1])
        server.terminate()


def pages(port: int, items: list[Item]) -> list[list[str]]:
    """What the server takes for each page, asked twice."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    rows = []
    for name, path in (
        ("queue", "/"),
        ("queue, searched", "/?q=which"),
        ("item", f"/item?id={quote(items[-1].id, safe='')}"),
        ("agreement", "/agreement"),
    ):
        took = []
        for _ in range(2):
            start = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            size = len(answer.read())
            took.append(1000 * (time.perf_counter() - start))
            if answer.status != 200:
                raise SystemExit(f"{path}: refused with {answer.status}")
        rows.append([name, *(f"{one:.0f}" for one in took), f"{size / 1000:.0f}"])
    return rows


def decisions(port: int, items: list[Item], clients: int, seconds: float) -> list[str]:
    """`clients` at once, each on items of its own, for some seconds."""
    took: list[float] = []
    ready = threading.Barrier(clients + 1)

    def decide(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        mine = items[client::clients][:100]
        for item in mine:
            post(connection, port, {"item": item.id, "action": "answer", "value": "A"})
        ready.wait()
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            start = time.perf_counter()
            status = post(connection, port, {"item": mine[count % len(mine)].id, "action": "keep"})
            if status != 303:
                raise SystemExit(f"refused with {status}")
            took.append(time.perf_counter() - start)
            count += 1

    threads = [threading.Thread(target=decide, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    rate = len(took) / (time.perf_counter() - began)
    ranked = sorted(took)
    middle, late = statistics.median(ranked), ranked[int(len(ranked) * 0.99)]
    return [str(clients), f"{rate:.0f}", f"{1000 * middle:.1f}", f"{1000 * late:.1f}"]


def post(connection: http.client.HTTPConnection, port: int, fields: dict[str, str]) -> int:
    connection.request("POST", "/say", urlencode(fields), {"Origin": f"http://127.0.0.1:{port}"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def first_frames(port: int, items: list[Item], count: int) -> str:
    """Of pages opened one after the other, each with a video that the browser has not seen."""
    from playwright.sync_api import sync_playwright

    own = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    videos = {item.video.id: item for item in items}
    took, served = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=own, args=["--no-sandbox"])
        page = browser.new_page()
        page.add_init_script(WATCH)
        page.goto(f"http://127.0.0.1:{port}/")
        for item in list(videos.values())[:count]:
            page.goto(f"http://127.0.0.1:{port}/item?id={quote(item.id, safe='')}")
            while (at := page.evaluate("window.firstFrameAt")) is None:
                page.wait_for_timeout(5)
            took.append(float(at))
            served.append(page.evaluate("performance.getEntriesByType('navigation')[0].responseEnd"))
            page.wait_for_load_state()
        browser.close()
    middle, late = statistics.median(took), max(took)
    told = f"median {middle:.0f}, slowest {late:.0f} of {len(took)} pages"
    return f"page to first frame, ms: {told}; of that until the page had arrived: {statistics.median(served):.0f}"


if __name__ == "__main__":
    main()
