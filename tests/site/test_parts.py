"""The parts of pages without a browser."""

import json

import pandas as pd
import pytest

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.site.charts import MOST_LEVELS, NONE, OTHER, levels_of, thinned
from workflow_scripts.lib.site.claims import lines
from workflow_scripts.lib.site.figures import caption_of, title_of
from workflow_scripts.lib.site.markup import caption_text, first_sentence, plain, to_html, to_script
from workflow_scripts.lib.site.methods import flat, licences
from workflow_scripts.lib.site.network import class_label
from workflow_scripts.lib.site.tables import page_table, shown_number


@pytest.mark.parametrize("text", ["</script>", "<!--", "]]>", "a\u2028b", "a\u2029b", "&lt;", "é ü"])
def test_json_in_a_script_is_the_value_and_no_markup(text):
    made = to_script({"a": [text]})
    assert json.loads(made) == {"a": [text]}
    assert not set(made) & set("<>&\u2028\u2029")


def test_json_refuses_what_json_has_not():
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_script(float("nan"))


def test_a_caption_is_filled_in_and_its_markup_is_text(tmp_path):
    path = tmp_path / "bulk_volcano.rst"
    path.write_text(
        "Effect of ``{{ snakemake.wildcards.dataset }}`` <b>now</b>.\n\n"
        "Expected: much.\n\n.. raw:: html\n\n   <i>no</i>\n"
    )
    html = to_html(caption_text(path, {"dataset": "mine", "model": ""}, {"source": "demo"}))
    assert "mine" in html and "<b>" not in html and "<i>" not in html and "&lt;b&gt;" in html
    assert '<strong class="lead">Expected:</strong> much.' in html
    assert first_sentence(plain(html)).startswith("Effect of mine")


def test_a_caption_that_is_missing_is_named(tmp_path):
    with pytest.raises(LatentomeError, match="bulk_new_figure.rst does not exist"):
        caption_of(tmp_path, "bulk", "new_figure")


def test_one_caption_serves_several_models(tmp_path):
    (tmp_path / "l1000_network_graph.rst").write_text("x")
    assert caption_of(tmp_path, "l1000", "network_graph_svqvae_published") == (
        tmp_path / "l1000_network_graph.rst",
        "svqvae_published",
    )


@pytest.mark.parametrize(
    ("name", "title"), [("ma_plot", "MA plot"), ("enrichment_go", "Enrichment GO"), ("held_out", "Held out")]
)
def test_titles(name, title):
    assert title_of(name) == title


def test_numbers_are_short_and_sort_by_their_value():
    table = page_table(
        pd.DataFrame({"a": [-0.123456, 12.0, None], "b": ["x", None, "=1+1"], "c": [None] * 3})
    )
    assert [(column.name, column.numeric) for column in table.columns] == [("a", True), ("b", False)]
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["\u22120.1235", "x"],
        ["12", ""],
        ["", "=1+1"],
    ]
    assert [row[0].value for row in table.rows] == ["-0.123456", "12.0", ""]
    assert shown_number(1.23456e-7) == "1.235e\u221207"


def test_levels_are_as_many_as_colours_and_shapes_tell_apart():
    many = levels_of(pd.Series([f"s{n:03d}" for n in range(100) for _ in range(1 + (n < 5))]))
    assert many.nunique() == MOST_LEVELS and OTHER in set(many) and {"s000", "s004"} <= set(many)
    numbers = levels_of(pd.Series([float(n) for n in range(50)] + [None]))
    assert numbers.nunique() == 6 and NONE in set(numbers) and sorted(set(numbers))[0].startswith("1: ")
    assert set(levels_of(pd.Series([0, 1, 1]))) == {"0", "1"}


def test_too_many_points_are_thinned_and_said_to_be():
    table = pd.DataFrame({"barcode": [f"s{n}" for n in range(30_000)] * 2, "x": 1.0})
    few, note = thinned(table, "barcode")
    assert few.barcode.nunique() == 10_000 and len(few) == 20_000
    assert note == " 10,000 of 30,000 points are drawn, evenly chosen."
    assert thinned(table[:100], "barcode")[1] == ""


def test_a_cell_of_claims_is_one_line_a_data_set():
    names = ["one", "one_more"]
    assert lines("one: a; b; one_more: c", names) == ["one: a; b", "one_more: c"]
    assert lines("no names; at all", names) == ["no names; at all"]
    assert lines("one: 0.5", ["one"]) == ["0.5"]
    assert lines(None, names) == []


def test_config_as_rows():
    assert flat({"a": {"b": [1, 2], "c": None}, "d": True}) == [
        ("a: b", "1, 2"),
        ("a: c", "none"),
        ("d", "True"),
    ]


def test_licences_of_the_files_that_are_read():
    registry = pd.DataFrame(
        {"accession": ["A", "A", "B"], "file": ["x", "y", "z"], "licence": ["CC0", None, "MIT"]}
    )
    assert licences(registry, ["A/x", "A/y", "own.csv"]) == [("A", "CC0"), ("A", "none stated")]


def test_class_labels():
    assert class_label("CP_MTOR_INHIBITOR") == "MTOR inhibitor"
    assert class_label("<b>") == "<b>"
