"""A browser, the site of the tiny workflow, and a site whose data are as hostile as data can be."""

import functools
import http.server
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hostile import hostile_results
from runs import REPO, demo, good, run  # noqa: F401

from workflow_scripts.lib.site.pages import Source, build_site

# Chromium looks for its maker's hosts at every start otherwise.
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Headless Chromium of the machine; none of Playwright's own is fetched."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no chromium on PATH; Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield made
        made.close()


@dataclass
class Visit:
    """An open page, and what it complained about."""

    page: object
    complaints: list = field(default_factory=list)
    bytes: dict = field(default_factory=dict)


def arrive(context, address):
    """Open `address` and note errors of the console, exceptions, failed requests and the size of every file."""
    visit = Visit(context.new_page())
    visit.page.on(
        "console", lambda m: visit.complaints.append(m.text) if m.type in ("error", "warning") else None
    )
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    visit.page.on("requestfailed", lambda r: visit.complaints.append(f"{r.url} {r.failure}"))
    visit.page.on("dialog", lambda d: (visit.complaints.append(f"dialog: {d.message}"), d.dismiss()))

    def weigh(request):
        if request.url.startswith("file:"):
            path = Path(request.url.removeprefix("file://").split("#")[0])
            visit.bytes[path.name] = path.stat().st_size if path.is_file() else 0

    visit.page.on("requestfinished", weigh)
    visit.page.goto(address)
    return visit


@pytest.fixture
def visit(browser):
    """Function: open a page; ``width``, ``colours`` (light, dark) and ``timeout`` in ms can be given."""
    contexts = []

    def go(address, width=1280, colours="light", **options):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=colours, **options
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        return arrive(context, str(address) if "://" in str(address) else f"file://{address}")

    yield go
    for context in contexts:
        context.close()


def draw_all(page):
    """Scroll every chart into view and wait until it is drawn."""
    for chart in page.locator(".explore").all():
        chart.scroll_into_view_if_needed()
        page.wait_for_function("chart => chart.dataset.drawn", arg=chart.element_handle(), timeout=120_000)


@pytest.fixture(scope="session")
def demo_site(demo, tmp_path_factory):  # noqa: F811
    """The site that the rule builds from the run of the tiny workflow, in a copy of its folder."""
    folder = tmp_path_factory.mktemp("site") / "work"
    shutil.copytree(demo.folder, folder, symlinks=True)
    good(run(folder, "site"))
    return folder / "results/site"


@pytest.fixture(scope="session")
def hostile_site(tmp_path_factory):
    """A site of names such as ``</script><img src=x onerror=alert(1)>``, and of three studies that were not built."""
    base = tmp_path_factory.mktemp("hostile")
    config, figures = hostile_results(base / "results")
    site = base / "site"
    site.mkdir()
    build_site(Source(base / "results", REPO, config, figures), site)
    return site


@pytest.fixture
def served(demo_site):
    """Address of the site on a static host."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(demo_site))
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
