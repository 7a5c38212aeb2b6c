"""The documentation builds without a warning, fetches nothing from elsewhere, and has no dead link."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from pages import REPO

LIB = REPO / "workflow_scripts/lib"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    line = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(line, cwd=REPO, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return folder


class Page(HTMLParser):
    """Links and anchors of a page, and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors, self.loaded, self.images = [], set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag in ("script", "img", "iframe") and found.get("src"):
            self.loaded.append(found["src"])
        if tag == "link" and found.get("rel") in ("stylesheet", "icon", "preload") and found.get("href"):
            self.loaded.append(found["href"])
        if tag == "img":
            self.images.append(found)


@pytest.fixture(scope="module")
def read(site):
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_no_dead_link(site, read):
    dead = []
    for path, page in read.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                dead.append((path.name, link))
            elif parts.fragment and target in read and unquote(parts.fragment) not in read[target].anchors:
                dead.append((path.name, link))
    assert not dead


def test_nothing_is_loaded_from_elsewhere(read):
    assert not [src for page in read.values() for src in page.loaded if urlsplit(src).netloc]


def test_images_have_a_text(read):
    assert not [image for page in read.values() for image in page.images if not image.get("alt")]


def test_reference_has_every_module_and_rule(site, read):
    modules = [path for path in LIB.rglob("*.py") if path.name != "__init__.py"]
    for path in modules:
        package = path.parent.relative_to(LIB).as_posix()
        place = site / "reference/lib" / ("top" if package == "." else package) / f"{path.stem}.html"
        name = ".".join(path.relative_to(REPO).with_suffix("").parts)
        public = re.findall(r"^(?:def|class) ([a-zA-Z]\w*)", path.read_text(encoding="utf-8"), re.M)
        assert not [one for one in public if f"{name}.{one}" not in read[place].anchors], path
    text = (site / "reference/rules.html").read_text(encoding="utf-8")
    rules = [
        name
        for path in (REPO / "rules").glob("*.smk")
        for name, body in re.findall(
            r"^rule (\w+):\n(.*?)(?=^rule |\Z)", path.read_text(encoding="utf-8"), re.M | re.S
        )
        if "script:" in body
    ]
    assert not [name for name in rules if f"<code>{name}</code>" not in text]
    assert "{PAIR_MODEL}" not in text


def test_reference_has_every_key_and_file(site):
    schema = (site / "reference/schema.html").read_text(encoding="utf-8")
    for key in (
        "nbvae: held_out_fraction",
        "spots: format",
        "image_pairs: classifier: epochs",
        "contrasts: NAME: design",
    ):
        assert f"<code>{key}</code>" in schema
    rows = (REPO / "resources/datasets.tsv").read_text(encoding="utf-8").splitlines()[1:]
    files = (site / "reference/datasets.html").read_text(encoding="utf-8")
    names = ["/".join(row.split("\t")[1:3]) for row in rows]
    assert len(names) > 100 and not [name for name in names if f"<code>{name}</code>" not in files]
