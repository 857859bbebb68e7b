"""A labeler in a bare page with a kernel of a few lines, for tests that need no notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

HERE = Path(__file__).parent
STATIC = HERE.parents[1] / "piximi_widgets" / "widgets" / "labeler" / "static"
PICTURES = HERE.parents[1] / "build" / "browser"
# Never reached: the tests answer in its place. Only secure origins have locks, and localhost is one.
ORIGIN = "http://localhost:9"

Open = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Open]:
    """Opens a labeler; `context` shares the browser's storage with an earlier page. Errors in a page fail the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []
    code = (STATIC / "labeler.js").read_text("utf-8")

    def html(light: bool) -> str:
        style = (STATIC / "labeler.css").read_text("utf-8")
        ground = "#ffffff" if light else "#111111"
        return (
            f'<!doctype html><meta charset="utf-8"><title>labeler</title><style>body{{margin:12px;background:{ground}}}'
            f'{style}</style><body data-jp-theme-light="{str(light).lower()}"><div id="host"></div>'
        )

    def answer(route: Any) -> None:
        if route.request.url.endswith(".js"):
            body = (HERE / "labeler_fake.js").read_text("utf-8")
            route.fulfill(body=body, content_type="text/javascript")
        else:
            route.fulfill(body=html("dark" not in route.request.url), content_type="text/html")

    def opened(
        context: BrowserContext | None = None,
        size: tuple[int, int] = (1280, 700),
        dark: bool = False,
        **kernel: Any,
    ) -> Page:
        if context is None:
            context = chromium.new_context()
            context.route(f"{ORIGIN}/**", answer)
            contexts.append(context)
        page = context.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: message.type == "error" and problems.append(message.text))
        page.goto(f"{ORIGIN}/{'dark' if dark else ''}")
        page.evaluate(
            "async ([code, options]) => (await import('/fake.js')).start(code, options)", [code, kernel]
        )
        if kernel.get("count", 1):
            page.locator(".pxw-tile img[src]").first.wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


def tile(page: Page, number: int) -> Any:
    """The tile of the image with this id; only what is seen has one."""
    return page.locator(f'.pxw-tile[aria-label^="cell_{number:04d}."]')


def selected(page: Page) -> str:
    return page.locator(".pxw-selected-count").inner_text()


def saved(page: Page) -> None:
    expect(page.locator(".pxw-saving")).to_have_text("Saved", timeout=10_000)


def category_of(page: Page, number: int) -> int:
    return page.evaluate(f"kernel.images[{number - 1}].category")
