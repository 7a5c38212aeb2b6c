"""Every bulk figure: its table is what is drawn, bytes are stable, names are data, inputs small and large."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import plot_tables as tables
import pytest
from matplotlib.collections import PathCollection

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.plots.calibration import calibration
from workflow_scripts.lib.plots.effects import bin_order, concordance_bins, lfc_scatter
from workflow_scripts.lib.plots.enrichment import enrichment
from workflow_scripts.lib.plots.factors import true_factors
from workflow_scripts.lib.plots.latent import latent_space
from workflow_scripts.lib.plots.learning import held_out, loss_curves
from workflow_scripts.lib.plots.markers import published_contrast
from workflow_scripts.lib.plots.panels import reach, spread_out
from workflow_scripts.lib.plots.samples import sample_sanity
from workflow_scripts.lib.plots.spikes import spike_in
from workflow_scripts.lib.plots.style import LEVELS, by_look, by_number, label, save_figure
from workflow_scripts.lib.plots.tables import read_benchmark, read_contrasts, read_models, read_table
from workflow_scripts.lib.plots.untested import tested_vs_na as untested
from workflow_scripts.lib.plots.volcano import ma_plot, volcano

ONE = ("treated_vs_control",)
SIX = (*ONE, "b", "c", "d", "e", "very_long_contrast_name_" * 5)
FACTORS = ["condition", "cell_type", "status", "group"]


def figures(contrasts, *, published=True, na=8, symbols=True, genes=600, samples=12, simulated=True):
    """Functions that draw each figure from tables of this kind."""
    de = tables.de_tables(genes, contrasts, na, symbols=symbols)
    if not published:
        de["published"] = {}
    benchmark = tables.benchmark_table(contrasts, published=published, simulation=published)
    sheet = tables.sample_table(samples, patients=samples > 20)
    factors = FACTORS + ["patient"] * (samples > 20)
    label_column = "condition" if published else None
    markers, changes = tables.marker_tables(sheet, contrasts)
    latents = tables.latents(sheet, 5 if published else 1, published, 4 if published else 1)
    terms = tables.enrichment_tables(contrasts)
    kind = {"simulated": simulated}
    return {
        "sample_sanity": lambda: sample_sanity(sheet, tables.sanity_table(sheet), factors, **kind),
        "loss_curves": lambda: loss_curves(tables.histories(3, published), **kind),
        "latent_space": lambda: latent_space(latents, sheet, factors, label_column, **kind),
        "lfc_scatter": lambda: lfc_scatter(de, **kind),
        "volcano": lambda: volcano(de, **kind),
        "ma_plot": lambda: ma_plot(de, **kind),
        "tested_vs_na": lambda: untested(de["deseq2"], de["nbvae"], **kind),
        "enrichment_go": lambda: enrichment(terms, "GO_BP", **kind),
        "enrichment_kegg": lambda: enrichment(terms, "KEGG", **kind),
        "calibration": lambda: calibration(benchmark, **kind),
        "held_out": lambda: held_out(benchmark, **kind),
        "concordance_bins": lambda: concordance_bins(benchmark, list(contrasts), **kind),
        "spike_in": lambda: spike_in(tables.spike_table(), **kind),
        "published_contrast": lambda: published_contrast(
            markers, changes, sheet, factors, label_column, **kind
        ),
    }


NAMES = list(figures(ONE))


def written(figure, table, folder, kinds=("svg", "png", "tsv")):
    paths = [folder / f"figure.{kind}" for kind in kinds]
    save_figure(figure, table, paths)
    return [path.read_bytes() for path in paths]


def points(figure):
    """Coordinates of all scatters of a figure."""
    found = [c.get_offsets() for ax in figure.axes for c in ax.collections if isinstance(c, PathCollection)]
    return np.ma.getdata(np.concatenate(found)) if found else np.empty((0, 2))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_same_bytes_twice_and_vector_text(name, tmp_path):
    first = written(*figures(ONE)[name](), tmp_path / "a")
    assert first == written(*figures(ONE)[name](), tmp_path / "b")
    svg, png, tsv = first
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert b"<text" in svg and b"Simulated data" in svg and b"<script" not in svg
    assert b"<dc:date>" not in svg and b"Matplotlib v" not in svg + png
    assert len(svg) < 1e6
    assert tsv.count(b"\n") > 1
    assert not [path for path in (tmp_path / "a").iterdir() if path.name.startswith(".")]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_six_contrasts_without_published_symbols_or_na(name, tmp_path):
    contrasts = SIX if name not in ("loss_curves", "held_out", "spike_in", "calibration") else ONE
    drawn = figures(contrasts, published=False, na=0, symbols=False, samples=110, simulated=False)[name]()
    (svg,) = written(*drawn, tmp_path, ["svg"])
    assert b"Simulated data" not in svg
    assert len(svg) < 1e6


@pytest.mark.parametrize("name", ["volcano", "ma_plot", "lfc_scatter"])
def test_dense_scatters_stay_small(name, tmp_path):
    (svg,) = written(*figures(SIX[:2], genes=45_000)[name](), tmp_path, ["svg"])
    assert len(svg) < 1e6


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("volcano", ("log2FoldChange", "minus_log10_padj")),
        ("ma_plot", ("baseMean", "log2FoldChange")),
        ("lfc_scatter", ("deseq2_log2fc", "log2fc")),
        ("spike_in", ("x", "log2FoldChange")),
        ("latent_space", ("x", "y")),
    ],
)
def test_the_table_holds_every_point(name, columns):
    figure, table = figures(SIX[:2])[name]()
    drawn = {tuple(point) for point in np.round(points(figure), 9)}
    listed = {tuple(row) for row in table[list(columns)].to_numpy().round(9)}
    assert drawn == listed


def test_the_table_holds_scores_that_are_drawn():
    for name in ("held_out", "calibration", "concordance_bins"):
        figure, table = figures(ONE)[name]()
        drawn = points(figure)
        values = np.sort(np.concatenate([drawn[:, 0], drawn[:, 1]]))
        place = np.searchsorted(values, table["value"].to_numpy() - 1e-9)
        assert np.allclose(values[np.minimum(place, len(values) - 1)], table["value"]), name


def test_names_are_data(tmp_path):
    sheet = tables.sample_table(12)
    sheet["status"] = (["$x^2$", "</script>", "_hidden"] * 4)[: len(sheet)]
    figure, table = sample_sanity(sheet, tables.sanity_table(sheet), ["status"], simulated=True)
    svg, _, tsv = written(figure, table, tmp_path)
    assert b"$x^2$" in svg and b"&lt;/script&gt;" in svg and b"_hidden" in svg
    assert b"</script>" not in svg and b"</script>" in tsv
    de = tables.de_tables(600)
    for method in ("deseq2", "nbvae"):
        de[method][ONE[0]].loc[:1, "padj"] = 0.0
    (svg,) = written(*volcano(de, simulated=True), tmp_path, ["svg"])
    assert b"$x^2$" in svg and b"&lt;/script&gt;" in svg


def test_labels_are_short_and_printable():
    assert label("a" * 50, 20) == "a" * 13 + "…" + "a" * 6
    assert label("two\nlines\tand\x07bell") == "two lines and?bell"
    assert label("_hidden") == "\u00a0_hidden"


def test_missing_tables_say_so():
    empty = tables.benchmark_table().head(0)
    for draw in (held_out, calibration):
        figure, table = draw(empty, simulated=False)
        assert table.empty
        assert any("no " in text.get_text() for ax in figure.axes for text in ax.texts)
    nothing = {"a": tables.enrichment_tables(ONE)[ONE[0]].head(0)}
    figure, table = enrichment(nothing, "KEGG", simulated=False)
    assert table.empty
    spikes, table = spike_in(tables.spike_table().head(0), simulated=False)
    assert table.empty
    history = {"nbvae": tables.histories(1, False)["nbvae"].head(0)}
    assert loss_curves(history, simulated=False)[1].empty


def test_pooled_estimates_and_null_in_the_benchmark():
    figure, table = calibration(tables.benchmark_table(), simulated=True)
    assert "nbvae_permuted" not in set(table.loc[table["panel"] == "fdr", "method"])
    assert "nbvae_permuted" in set(table.loc[table["panel"] == "power", "method"])
    assert bin_order(pd.Series([">1000", "all", "20-100", "0-5", "", "5-20"])) == [
        *("all", "0-5", "5-20", "20-100", ">1000")
    ]


def test_true_factors_leave_out_what_others_say():
    sheet = tables.sample_table(12)
    assert true_factors(sheet, FACTORS, "condition") == ["cell_type", "status"]
    assert true_factors(sheet, ["condition", "status"], None) == ["condition", "status"]
    assert true_factors(sheet, ["condition"], "condition") == ["condition"]


def test_helpers():
    assert by_look(["x", "nbvae", "deseq2", "nbvae"]) == ["deseq2", "nbvae", "x"]
    assert by_number({"10", "9", "b"}) == ["9", "10", "b"]
    assert len(set(LEVELS)) == 8
    assert spread_out([0.9, 0.95, 1.0], 0.1) == pytest.approx([0.77, 0.87, 0.97])
    assert spread_out([0.1, 0.1], 0.2) == pytest.approx([0.1, 0.3])
    assert reach([np.array([np.nan])]) == 1.0
    assert reach([np.append(np.random.default_rng(0).normal(size=9999), 22.0)]) < 6


def test_reading(tmp_path):
    path = tmp_path / "models/nbvae/seed1/latent.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("model\tseed\tsample\tz1\tsd1\nnbvae\t1\tNA\t0.5\t0.1\n")
    table = read_models([path], ("seed", "sample"), latent=True)["nbvae"]
    assert table["sample"].tolist() == ["NA"] and table["z1"].dtype == float
    path = tmp_path / "a_vs_b.tsv"
    path.write_text('gene_id\tsymbol\tbaseMean\tlog2FoldChange\tpadj\tmore\n1\t"q""t"\t5\t\tNA\tx\n')
    table = read_contrasts([path])["a_vs_b"]
    assert table["symbol"].tolist() == ['q"t'] and table["padj"].isna().all() and "more" not in table
    path.write_text("gene_id\tbaseMean\tlog2FoldChange\tpadj\n1\tmany\t1\t1\n")
    with pytest.raises(LatentomeError, match="a_vs_b.tsv.*expected numbers"):
        read_contrasts([path])
    with pytest.raises(LatentomeError, match='no column "group"'):
        read_table(path, ("group",))
    path.write_text(
        "benchmark\tcontrast\tmethod\tseed\tbin\tmetric\tvalue\tn\nheld_out\t\tnbvae\t2.0\t\tm\t1\t2\n"
    )
    assert read_benchmark(path)["seed"].tolist() == ["2"]


def test_light_imports():
    code = (
        "import sys; import workflow_scripts.bulk.plot_volcano, workflow_scripts.bulk.plot_latent_space as _;"
    )
    code += (
        "print([m for m in ('torch', 'scanpy', 'anndata', 'scipy', 'matplotlib.pyplot') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_figure_has_script_rule_and_caption():
    root = Path(__file__).parents[2]
    rules = "".join(path.read_text() for path in root.glob("rules/bulk_figures_*.smk"))
    for name in NAMES:
        assert (root / f"workflow_scripts/bulk/plot_{name}.py").is_file()
        assert f"rule plot_{name}:" in rules
        caption = (root / f"report/bulk_{name}.rst").read_text()
        assert "Expected" in caption and "A concern:" in caption
