"""What docs/generate.py makes: data of a run stay text, and a marker that leads nowhere ends the build."""

import importlib.util
import re

import markdown
import pytest
import yaml
from mkdocs.exceptions import PluginError
from pages import DOCS, REPO

BAD = [
    "</script><img src=x onerror=alert(1)>",
    "[here](javascript:alert(1))",
    "`<b>` | a | b",
    "=1+1",
    "a\\`b\\*c* _d_ # e",
    "![x](http://elsewhere.example/x.png)",
]


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def html(text):
    return markdown.markdown(text, extensions=["tables"])


@pytest.mark.parametrize("data", BAD)
@pytest.mark.parametrize("kind", ["text", "code"])
def test_data_stay_text(generate, data, kind):
    page = html(generate.table(("a", "b"), [(getattr(generate, kind)(data), "last")]))
    assert page.count("<td>") == 2 and "<td>last</td>" in page
    assert not re.search(r"<(script|img|a|b|em|strong)\b", page)


def test_claims_of_a_run_stay_text(generate, monkeypatch, tmp_path):
    (tmp_path / "results").mkdir()
    head = ["study", "claim", "as_published", "reproduced", "corrected", "interval", "verdict", "figure"]
    rows = [["bulk (simulated demo)", *[bad] * 6, "results/figures/x.svg"] for bad in BAD]
    lines = ["\t".join(row) for row in [head, *rows, ["l1000", *["other"] * 7]]]
    (tmp_path / "results/claims.tsv").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    page = html(generate.on_page_markdown("<!-- claims: bulk -->"))
    assert page.count("<table>") == len(BAD) and "other" not in page
    assert not re.search(r"<(script|img|a|b|em)\b", page) and "alert(1)" in page


def test_without_a_run_the_page_says_how_to_make_one(generate, monkeypatch, tmp_path):
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    assert "make figures" in generate.on_page_markdown("<!-- claims: bulk -->")


@pytest.mark.parametrize("marker", ["table: resources/none.tsv", "claims: bulc", "settings: bulk: nbvea"])
def test_a_marker_that_leads_nowhere_is_refused(generate, marker):
    with pytest.raises(PluginError, match="docs: "):
        generate.on_page_markdown(f"<!-- {marker} -->")


def test_every_marker_of_the_pages_is_known(generate):
    for page in DOCS.rglob("*.md"):
        left = generate.MARKER.sub("", page.read_text(encoding="utf-8"))
        assert not re.findall(r"^<!--.*-->$", left, re.M), page


def test_every_leaf_of_the_config_is_in_the_schema_page(generate):
    page = generate.schema_page()
    config = yaml.safe_load((REPO / "config.yaml").read_text(encoding="utf-8"))
    assert "## bulk" in page and "## datasets: spatial: NAME" in page
    for study in ("bulk", "l1000", "spatial"):
        for key, value in config[study].items():
            if not isinstance(value, dict):
                assert f"| `{key}` |" in page, (study, key)
    assert "| `nbvae: epochs` | `integer`, `>= 10` | `300` |" in page
