"""The review's server asked by a real client: what is served, to whom what is shown, and what is refused."""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from apollobench.benchmark import load_benchmark
from apollobench.pages.server import LONGEST, Address
from apollobench.review.app import Review
from apollobench.review.ledger import NAME, Ledger
from apollobench.review.subject import load_subject
from apollobench.types import LETTERS, Item

from ..pages.conftest import serving


@dataclass
class Client:
    """A browser without scripts that says who it is."""

    address: Address
    who: str = ""

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(self.address.host, self.address.port, timeout=20)
        told = {"Cookie": f"apollobench_reviewer={quote(self.who)}", "Origin": self.address.url.rstrip("/"), **headers}
        connection.request(method, path, body, told)
        answer = connection.getresponse()
        return answer, answer.read()

    def page(self, path: str) -> str:
        answer, body = self.ask(path)
        assert answer.status == 200, body
        return body.decode()

    def say(self, item: str, action: str, value: str = "", **more: str) -> int:
        fields = {"item": item, "action": action, "value": value, **more}
        return self.ask("/say", "POST", urlencode(fields))[0].status


@pytest.fixture
def benchmark(made: Path, tmp_path: Path) -> Path:
    """A copy of one's own, with its videos."""
    shutil.copytree(made.parent, tmp_path / "copy")
    return tmp_path / "copy" / made.name


@pytest.fixture
def address(benchmark: Path) -> Iterator[Address]:
    subject = load_subject(benchmark)
    with closing(Ledger(benchmark / NAME)) as ledger, serving(Review(subject, ledger).routes()) as served:
        for name, role in (("ada", "reviewer"), ("ben", "reviewer"), ("jo", "adjudicator")):
            ledger.join(name, role)
        yield served


@pytest.fixture
def items(benchmark: Path) -> list[Item]:
    return list(load_benchmark(benchmark).items)


def item_page(item: Item) -> str:
    return f"/item?id={quote(item.id, safe='')}"


def test_ranges_of_a_video(address: Address, items: list[Item]) -> None:
    client, path = Client(address, "ada"), f"/video?id={quote(items[0].id)}"
    content = items[0].video.path.read_bytes()
    size = len(content)
    whole, body = client.ask(path)
    assert (whole.status, whole.getheader("accept-ranges"), whole.getheader("content-type")) == (
        200,
        "bytes",
        "video/mp4",
    )
    assert body == content
    for asked, first, last in [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, size - 1),
        ("bytes=-500", size - 500, size - 1),
        (f"bytes=-{size + 10}", 0, size - 1),
        (f"bytes=5-{size + 999}", 5, size - 1),
        (f"bytes={size - 1}-", size - 1, size - 1),
    ]:
        answer, body = client.ask(path, Range=asked)
        assert (answer.status, answer.getheader("content-range")) == (206, f"bytes {first}-{last}/{size}"), asked
        assert body == content[first : last + 1]
    for asked in (f"bytes={size}-", f"bytes={size + 5}-{size + 9}"):
        answer, body = client.ask(path, Range=asked)
        assert (answer.status, answer.getheader("content-range")) == (416, f"bytes */{size}")
    for asked in ("bytes=9-5", "lines=1-2", "bytes=a-b"):
        assert client.ask(path, Range=asked)[0].status == 400
    several, body = client.ask(path, Range="bytes=0-9,20-29")
    assert several.status == 206
    assert (several.getheader("content-type") or "").startswith("multipart/byteranges")
    assert content[20:30] in body
    head, body = client.ask(path, "HEAD")
    assert (head.getheader("content-length"), body) == (str(size), b"")


@pytest.mark.parametrize(
    "query",
    ["", "id=", "id=none", "id=../../etc/passwd", "id=/etc/passwd", "id=synthetic%2F..%2F..%2Fmanifest.json", "id=%00"],
)
def test_only_items_have_videos(address: Address, query: str) -> None:
    client = Client(address, "ada")
    for path in ("/video", "/timeline", "/item"):
        answer, body = client.ask(f"{path}?{query}")
        assert answer.status == 404
        assert b"root:" not in body
    assert client.ask("/video/../../etc/passwd")[0].status == 404
    assert client.ask("/static/%2e%2e/%2e%2e/errors.py")[0].status == 404


def test_links_out_of_the_media_root(made: Path, benchmark: Path, items: list[Item], tmp_path: Path) -> None:
    inside, outside = items[0].video.path, tmp_path / "elsewhere" / "v.mp4"
    outside.parent.mkdir()
    inside.rename(outside)
    inside.symlink_to(outside)
    other = next(item for item in items if item.video != items[0].video)
    kept = other.video.path.with_name("kept.mp4")
    other.video.path.rename(kept)
    other.video.path.symlink_to(kept)
    for folders, status in (((), 403), ((outside.parent,), 200)):
        subject = load_subject(benchmark, folders=folders)
        with closing(Ledger(benchmark / NAME)) as ledger, serving(Review(subject, ledger, "ada").routes()) as address:
            for path in ("/video", "/timeline"):
                answer, body = Client(address).ask(f"{path}?id={quote(items[0].id)}")
                assert answer.status == status
                assert status == 200 or b"--linked_media" in body
                assert Client(address).ask(f"{path}?id={quote(other.id)}")[0].status == 200
    outside.unlink()
    with closing(Ledger(benchmark / NAME)) as ledger, serving(Review(subject, ledger, "ada").routes()) as address:
        assert Client(address).ask(f"/video?id={quote(items[0].id)}")[0].status == 404


def test_key_and_evidence_only_after_answering(address: Address, items: list[Item]) -> None:
    ada, item = Client(address, "ada"), items[0]
    before = ada.page(item_page(item))
    assert item.options[item.answer] in before
    for telling in ('class="key"', "What the models did", "apollo-3b</th>", 'value="keep"'):
        assert telling not in before
    assert ada.say(item.id, "keep") == 400
    assert ada.say(item.id, "answer", LETTERS[item.answer]) == 303
    after = ada.page(item_page(item))
    for telling in ('class="key"', "What the models did", "apollo-3b</th>", 'value="keep"', "your answer"):
        assert telling in after
    assert ada.say(item.id, "answer", "B") == 400
    assert "What the models did" not in Client(address, "ben").page(item_page(item))
    assert "What the models did" in Client(address, "jo").page(item_page(item))


def test_blind_until_both_have_decided(address: Address, items: list[Item]) -> None:
    ada, ben, jo, item = Client(address, "ada"), Client(address, "ben"), Client(address, "jo"), items[0]
    ada.say(item.id, "answer", "A")
    assert ada.say(item.id, "drop", reason="ambiguous", note="ada's own words") == 303
    ben.say(item.id, "answer", "B")
    for path in (item_page(item), "/", "/disputes", "/agreement", "/?show=drop"):
        shown = ben.page(path)
        assert "ada" not in shown, path
        assert "ambiguous" not in shown or path == item_page(item)  # there it is a reason to choose
    assert "ada&#39;s own words" in jo.page(item_page(item))
    assert ben.say(item.id, "keep") == 303
    assert "ada&#39;s own words" in ben.page(item_page(item))
    assert "ada&#39;s own words" in ben.page("/disputes")
    assert "ben" in ada.page(item_page(item))
    assert jo.say(item.id, "keep") == 303
    assert "Nothing to settle" in jo.page("/disputes")
    assert "Cohen" in jo.page("/agreement")


def test_markup_stays_text(address: Address, items: list[Item]) -> None:
    ada, item = Client(address, "ada"), items[1]
    ada.say(item.id, "answer", "A")
    ada.say(item.id, "discuss", note="<img src=x onerror=alert(1)>")
    for path in (item_page(item), "/", f"/?text={quote('<script>')}", f"/item?id={quote('<b>x')}"):
        shown = ada.ask(path)[1].decode()
        assert "<script>document" not in shown
        assert "<img" not in shown
        assert "<b>x" not in shown
    assert "&lt;script&gt;" in ada.page(item_page(item))


def test_policy_allows_nothing_inline(address: Address, items: list[Item]) -> None:
    ada = Client(address, "ada")
    ada.say(items[0].id, "answer", "A")
    for path in ("/", item_page(items[0]), "/guide", "/agreement", "/disputes", "/who"):
        answer, body = ada.ask(path)
        policy = answer.getheader("content-security-policy") or ""
        assert "script-src 'self'; style-src 'self'" in policy
        shown = body.decode()
        assert "<style" not in shown
        assert " style=" not in shown
        assert "<script>" not in shown
        assert " onclick" not in shown


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"action": "drop"}, 400),
        ({"action": "drop", "reason": "because"}, 400),
        ({"action": "drop", "reason": "other"}, 400),
        ({"action": "drop", "reason": "ambiguous", "note": "x" * 2001}, 400),
        ({"action": "drop", "reason": "ambiguous", "note": "x" * LONGEST}, 413),
        ({"action": "key", "value": "J", "reason": "r"}, 400),
        ({"action": "key", "value": "A"}, 400),
        ({"action": "category", "value": "Sport"}, 400),
        ({"action": "undo"}, 400),
        ({"action": "undo", "undoes": "7"}, 400),
        ({"action": "shout"}, 400),
        ({"item": "none", "action": "keep"}, 404),
        ({"action": "keep"}, 303),
    ],
)
def test_what_can_be_said(address: Address, items: list[Item], fields: dict[str, str], status: int) -> None:
    ada = Client(address, "ada")
    ada.say(items[0].id, "answer", "A")
    assert ada.ask("/say", "POST", urlencode({"item": items[0].id, **fields}))[0].status == status


def test_nobody_speaks_for_others(address: Address, items: list[Item]) -> None:
    ada, ben = Client(address, "ada"), Client(address, "ben")
    for stranger in (Client(address), Client(address, "eve")):
        answer, _ = stranger.ask("/say", "POST", urlencode({"item": items[0].id, "action": "answer", "value": "A"}))
        assert (answer.status, answer.getheader("location")) == (303, "/who")
        assert stranger.ask("/video?id=" + quote(items[0].id))[0].status == 303
    ada.say(items[0].id, "answer", "A")
    ada.say(items[0].id, "keep")
    ben.say(items[0].id, "answer", "A")
    assert ben.say(items[0].id, "undo", undoes="2") == 400
    assert ada.ask("/say", "POST", "item=x", Origin="http://evil.example")[0].status == 403
    assert ben.ask("/who", "POST", urlencode({"name": "ada", "role": "adjudicator"}))[0].status == 400


def test_order_filters_and_the_next_item(address: Address, items: list[Item]) -> None:
    ada = Client(address, "ada")
    ids = sorted(item.id for item in items if item.category == "OCR")
    shown = ada.page("/?sort=id&category=OCR")
    assert [name for name in sorted(item.id for item in items) if f">{name}</a>" in shown] == ids
    ada.say(ids[0], "answer", "A")
    answer, _ = ada.ask("/say?sort=id&category=OCR", "POST", urlencode({"item": ids[0], "action": "keep"}))
    assert answer.getheader("location") == f"/item?sort=id&category=OCR&id={quote(ids[1], safe='')}"
    assert f">{ids[0]}</a>" in ada.page("/?show=keep")
    assert f">{ids[0]}</a>" not in ada.page("/?show=todo")
    assert f"id={quote(ids[1], safe='')}" in ada.page("/?sort=id&category=OCR").split("Continue")[0]
    for wrong in ("sort=colour", "show=x", "category=x", "page=x"):
        assert ada.ask(f"/?{wrong}")[0].status == 400
    assert "No answers" not in shown


def test_timeline_tells_real_times(address: Address, items: list[Item]) -> None:
    found = json.loads(Client(address, "ada").page(f"/timeline?id={quote(items[0].id)}"))
    assert found["frames"] == sorted(found["frames"])
    assert found["center"] in found["frames"]
    assert found["duration"] > found["frames"][-1]
    assert {model for plan in found["seen"] for model in plan["models"]} == {"apollo-3b", "apollo-7b"}
    assert all(any(abs(time - frame) < 1e-5 for frame in found["frames"]) for p in found["seen"] for time in p["times"])


def test_a_token_guards_videos_too(benchmark: Path, items: list[Item]) -> None:
    subject = load_subject(benchmark)
    with closing(Ledger(benchmark / NAME)) as ledger, serving(Review(subject, ledger, "ada").routes(), "s") as address:
        assert Client(address).ask(f"/video?id={quote(items[0].id)}")[0].status == 401
