"""Names that try to be markup, script or formulas are text on every page, in every chart and tooltip."""

import json
import re

import pytest
from conftest import draw_all
from hostile import COLUMN, FORMULA, MARKUP, NAMES

PAGES = ("index", "bulk", "l1000", "spatial", "molecules", "methods", "downloads")


@pytest.mark.parametrize("name", PAGES)
def test_no_name_becomes_an_element(hostile_site, visit, name):
    seen = visit(hostile_site / f"{name}.html")
    draw_all(seen.page)
    assert seen.page.locator("img[src='x']").count() == 0
    assert seen.page.evaluate("() => document.querySelectorAll('[onerror]').length") == 0
    assert seen.complaints == []


def test_no_page_holds_the_markup_itself(hostile_site):
    files = [*hostile_site.glob("*.html"), *hostile_site.glob("charts/*.js")]
    assert len(files) >= 10
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "<img src=x" not in text and "</script><img" not in text
        if path.suffix == ".js":
            assert not re.search("[<>\u2028\u2029]", text)


def test_chart_data_are_json_of_the_names(hostile_site):
    text = (hostile_site / "charts/mine-explore-volcano-0.js").read_text(encoding="utf-8")
    place, value = re.fullmatch(r"latentome\.charts\[(.+?)\]=(.+);\n", text, re.S).groups()
    assert json.loads(place) == "charts/mine-explore-volcano-0.js"
    assert set(NAMES) == set(json.loads(value)["data"]["points"]["name"]["levels"])


@pytest.mark.parametrize("name", NAMES)
def test_the_search_shows_names_as_text(hostile_site, visit, name):
    seen = visit(hostile_site / "bulk.html")
    section = seen.page.locator("#mine-explore-volcano")
    section.scroll_into_view_if_needed()
    seen.page.wait_for_function("e => e.dataset.drawn", arg=section.element_handle())
    box = section.get_by_role("searchbox")
    # An input keeps no line separators; the rest of the name is enough.
    box.fill(name.split("\u2028")[0])
    cells = section.locator(".found tbody td").all_text_contents()
    assert name in cells
    assert seen.complaints == []


def test_the_tooltip_shows_names_as_text(hostile_site, visit):
    seen = visit(hostile_site / "bulk.html")
    section = seen.page.locator("#mine-explore-latent")
    section.scroll_into_view_if_needed()
    seen.page.wait_for_function("e => e.dataset.drawn", arg=section.element_handle())
    marks = section.locator("svg .mark-symbol.role-mark path")
    assert marks.count() == len(NAMES)
    marks.first.hover(force=True)
    tip = seen.page.locator("#vg-tooltip-element")
    tip.wait_for(state="visible")
    assert MARKUP in tip.inner_text() and tip.locator("img").count() == 0
    assert COLUMN.lower() in tip.inner_text().lower()
    assert seen.complaints == []


def test_cells_are_text(hostile_site, visit):
    page = visit(hostile_site / "index.html").page
    rows = page.locator("#claims-table tbody tr")
    assert rows.count() == len(NAMES)
    assert [text.strip() for text in rows.first.locator("td").all_text_contents()][:2] == [MARKUP, FORMULA]
    for name in NAMES:
        assert any(name in text for text in rows.locator("th").all_text_contents())


def test_a_string_that_is_no_molecule_says_so(hostile_site, visit):
    page = visit(hostile_site / "molecules.html").page
    broken = page.locator(".card.broken")
    assert broken.count() == 1 and "not a molecule" in broken.inner_text()
    assert broken.locator("code").inner_text() == MARKUP


def test_a_study_that_was_not_built_says_how(hostile_site):
    text = (hostile_site / "spatial.html").read_text(encoding="utf-8")
    assert "Not built" in text and "snakemake --cores all spatial" in text
