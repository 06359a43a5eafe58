"""The pages of a review: routes, who is asking, and what a form does."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote

from apollobench.curate.decisions import MATTERS, STAYS
from apollobench.errors import InputError
from apollobench.pages.render import page
from apollobench.review import queue, views
from apollobench.review.exchange import original
from apollobench.review.ledger import Ledger
from apollobench.review.media import ForbiddenError, NotHereError, timeline, video_file
from apollobench.review.subject import Subject
from apollobench.review.views import Viewer
from apollobench.review.words import ADJUDICATOR, ANSWER, REASONS, REVIEWER, UNDO, Draft, Row
from apollobench.types import LETTERS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

COOKIE = "apollobench_reviewer"
LONGEST = {"reason": 200, "note": 2000}  # characters
STATUS = {NotHereError: 404, ForbiddenError: 403}
Handle = Callable[["Request", Viewer], "Response"]


class Review:
    """reviewer: whose review it is; None lets each browser say who it is."""

    def __init__(self, subject: Subject, ledger: Ledger, reviewer: str | None = None) -> None:
        self._subject, self._ledger, self._reviewer = subject, ledger, reviewer
        if reviewer is not None:
            ledger.join(reviewer, ledger.people().get(reviewer, REVIEWER))

    def routes(self) -> list[Route]:
        from starlette.routing import Route

        return [
            Route("/", self._for_viewer(self._queue)),
            Route("/item", self._for_viewer(self._item)),
            Route("/disputes", self._for_viewer(self._disputes)),
            Route("/agreement", self._for_viewer(self._agreement)),
            Route("/guide", self._for_viewer(self._guide)),
            Route("/video", self._for_viewer(self._video)),
            Route("/timeline", self._for_viewer(self._timeline)),
            Route("/say", self._say, methods=["POST"]),
            Route("/who", self._who),
            Route("/who", self._join, methods=["POST"]),
        ]

    def _for_viewer(self, handle: Handle) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            from starlette.responses import RedirectResponse

            viewer = self._viewer(request)
            if viewer is None:
                return RedirectResponse("/who", 303)
            return self._refusing(viewer, lambda: handle(request, viewer))

        return endpoint

    def _viewer(self, request: Request) -> Viewer | None:
        name = self._reviewer or unquote(request.cookies.get(COOKIE, ""))
        role = self._ledger.people().get(name)
        return Viewer(name, role, self._reviewer is not None) if role else None

    def _queue(self, request: Request, viewer: Viewer) -> Response:
        query = queue.read_query(request.query_params)
        return self._page("queue", viewer, views.queue_values(self._subject, self._ledger, viewer, query))

    def _item(self, request: Request, viewer: Viewer) -> Response:
        query = queue.read_query(request.query_params)
        values = views.item_values(self._subject, self._ledger, viewer, query, self._named(request.query_params))
        return self._page("item", viewer, values)

    def _disputes(self, request: Request, viewer: Viewer) -> Response:
        return self._page("disputes", viewer, views.dispute_values(self._subject, self._ledger, viewer))

    def _agreement(self, request: Request, viewer: Viewer) -> Response:
        return self._page("agreement", viewer, views.agreement_values(self._subject, self._ledger, viewer))

    def _guide(self, request: Request, viewer: Viewer) -> Response:
        return self._page("guide", viewer, views.guide_values())

    def _video(self, request: Request, viewer: Viewer) -> Response:
        from starlette.responses import FileResponse

        path = video_file(self._subject, self._named(request.query_params))
        return FileResponse(path, headers={"cache-control": "no-cache"})

    def _timeline(self, request: Request, viewer: Viewer) -> Response:
        from starlette.responses import JSONResponse

        return JSONResponse(timeline(self._subject, self._named(request.query_params)))

    def _who(self, request: Request) -> Response:
        from starlette.responses import RedirectResponse

        if self._reviewer is not None:
            return RedirectResponse("/", 303)
        return self._page("who", self._viewer(request), views.who_values(self._ledger))

    async def _join(self, request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import RedirectResponse

        given = await _fields(request)

        def join() -> Response:
            name = given.get("name", "").strip()
            self._ledger.join(name, given.get("role") or self._ledger.people().get(name, REVIEWER))
            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, quote(name), max_age=365 * 86400, httponly=True, samesite="strict")
            return answer

        return await run_in_threadpool(self._refusing, None, join)

    async def _say(self, request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import RedirectResponse

        given = await _fields(request)

        def say() -> Response:
            viewer = self._viewer(request)
            if viewer is None:
                return RedirectResponse("/who", 303)
            query = queue.read_query(request.query_params)
            (row,) = self._ledger.append(self._draft(viewer, given))
            return RedirectResponse(self._after(row, viewer, query), 303)

        return await run_in_threadpool(self._refusing, None, say)

    def _draft(self, viewer: Viewer, given: Mapping[str, str]) -> Draft:
        """What a form says. Raises InputError for what it cannot say."""
        name, action = self._named({"id": given.get("item", "")}), given.get("action", "")
        item, value = self._subject.items[name], given.get("value") or None
        if action not in (*MATTERS, ANSWER, UNDO):
            raise InputError(f"action {action!r}; valid: {', '.join((*MATTERS, ANSWER, UNDO))}")
        for field, longest in LONGEST.items():
            if len(given.get(field, "")) > longest:
                raise InputError(f"{name}: {field} has more than {longest} characters")
        if action in (ANSWER, "key") and value is not None and value not in LETTERS[: len(item.options)]:
            raise InputError(f"{name}: {value!r} is not one of the options")
        if action in MATTERS and not viewer.sees_key(self._ledger.history(name)):
            raise InputError(f"{name}: answer the question first; then the key is shown, and the item can be judged")
        reason, note = given.get("reason", "").strip(), given.get("note", "").strip()
        if action == "drop" and (reason not in REASONS or (reason == "other" and not note)):
            raise InputError(f"{name}: to drop it, choose a reason; `other` needs a note")
        undoes = given.get("undoes", "")
        if action == UNDO and not undoes.isdigit():
            raise InputError(f"{name}: take back what?")
        return Draft(
            name, viewer.name, action, value, reason, note, original(item, action), int(undoes) if undoes else None
        )

    def _after(self, row: Row, viewer: Viewer, query: queue.Query) -> str:
        """Where a word leads: after a verdict to the next item, else back to the same."""
        if MATTERS.get(row.action) != STAYS:
            return query.link("/item", row.item)
        if viewer.role == ADJUDICATOR:
            return "/disputes"
        names = queue.ordered(self._subject, query)
        following = queue.next_open(names, self._ledger.histories(), viewer.name, row.item)
        return query.link("/item", following) if following else query.link("/")

    def _named(self, given: Mapping[str, str]) -> str:
        name = given.get("id", "")
        if name not in self._subject.items:
            raise NotHereError(f"{name or '(none)'}: no item of this benchmark")
        return name

    def _refusing(self, viewer: Viewer | None, handle: Callable[[], Response]) -> Response:
        """What handles a request, or a page that says why it does not."""
        try:
            return handle()
        except InputError as error:
            return self._message(viewer, STATUS.get(type(error), 400), str(error))
        except sqlite3.Error as error:
            return self._message(viewer, 503, f"not kept, please say it again: {self._ledger.path}: {error}")

    def _page(self, template: str, viewer: Viewer | None, values: Mapping[str, object], status: int = 200) -> Response:
        from starlette.responses import HTMLResponse

        common = views.frame(self._subject, self._ledger, viewer, template)
        made = page(f"review/{template}.html", {**common, **values}, "/static")
        return HTMLResponse(made, status, {"cache-control": "no-store"})

    def _message(self, viewer: Viewer | None, status: int, text: str) -> Response:
        return self._page("message", viewer, {"text": text}, status)


async def _fields(request: Request) -> dict[str, str]:
    """A form's fields; of several with one name the last."""
    body = await request.body()
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
