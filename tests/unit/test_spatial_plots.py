"""Every figure of the spatial study: its table is what is drawn, names are data, inputs empty, small and large."""

import numpy as np
import pandas as pd
import pytest
import spatial_plot_tables as tables
from matplotlib.collections import EllipseCollection
from scipy.spatial import cKDTree
from sklearn.metrics import adjusted_rand_score

from workflow_scripts.lib.plots import (
    imputability,
    imputation,
    marker_genes,
    published_imputation,
    spatial_domains,
    spatial_maps,
    spatial_scores,
    spatial_training,
)
from workflow_scripts.lib.plots.published_imputation import in_band
from workflow_scripts.lib.plots.spatial_rows import best_of, in_order, method_look
from workflow_scripts.lib.plots.style import save_figure

NOTE = "Reduced: 60 of 300 epochs"
SPOTS = tables.spots(400)
INPUTS = {
    "tissue_overview": (
        spatial_maps.tissue_overview,
        {"spots": SPOTS, "graph": tables.graph(), "degrees": tables.degrees(), "edges": tables.edges(SPOTS)},
    ),
    "spatial_patterns": (spatial_maps.spatial_patterns, {"patterns": tables.patterns(400, 3)}),
    "held_out_likelihood": (
        imputation.held_out_likelihood,
        {"held_out": tables.held_out(), "verdict": tables.verdict()},
    ),
    "masked_protocol": (imputation.masked_protocol, {"masked": tables.masked()}),
    "planted_truth": (imputation.planted_truth, {"truth": tables.truth()}),
    "count_calibration": (
        spatial_scores.count_calibration,
        {"calibration": tables.calibration(), "coverage": tables.coverage()},
    ),
    "spatial_autocorrelation": (
        spatial_scores.spatial_autocorrelation,
        {"autocorrelation": tables.autocorrelation()},
    ),
    "imputability": (imputability.imputability, {"genes": tables.genes()}),
    "spatial_domains": (
        spatial_domains.spatial_domains,
        {"domain_map": tables.domain_map(400), "domains": tables.domains()},
    ),
    "domain_agreement": (spatial_domains.domain_agreement, {"domains": tables.domains()}),
    "clustering_after_imputation": (
        spatial_domains.clustering_after_imputation,
        {"after_imputation": tables.after_imputation()},
    ),
    "stacked_violins": (marker_genes.stacked_violins, {"violins": tables.violins()}),
    "marker_heatmap": (marker_genes.marker_heatmap, {"markers": tables.markers()}),
    "training_curves": (spatial_training.training_curves, {"histories": tables.histories()}),
    "scaling": (spatial_training.scaling, {"scaling": tables.scaling()}),
    "published_matrix": (
        published_imputation.published_matrix,
        {"matrix": tables.arrays(), "findings": tables.findings(), "epochs": tables.epochs()},
    ),
}
NAMES = list(INPUTS)


def nothing(given):
    return {name: values[:0, :0] for name, values in given.items()} if isinstance(given, dict) else given[:0]


def drawn(name, simulated=True, change=lambda given: given, **replaced):
    draw, given = INPUTS[name]
    return draw(
        *(change(replaced.get(key, table)) for key, table in given.items()), simulated=simulated, note=NOTE
    )


def written(figure, table, folder, kinds=("svg", "png", "tsv")):
    paths = [folder / f"figure.{kind}" for kind in kinds]
    save_figure(figure, table, paths)
    return [path.read_bytes() for path in paths]


def words(figure):
    return " ".join(text.get_text() for ax in figure.axes for text in ax.texts)


def foot(figure):
    return " ".join(figure.get_supxlabel().split())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_says_simulated_and_note_in_vector_text(name, tmp_path):
    figure, table = drawn(name)
    svg, tsv = written(figure, table, tmp_path, ["svg", "tsv"])
    assert b"Simulated data" in svg and NOTE in foot(figure)
    assert b"mathdefault" not in svg and b"<script" not in svg
    assert len(svg) < 1e6
    assert tsv.count(b"\n") > 1


@pytest.mark.parametrize(
    "name", ["spatial_domains", "spatial_patterns", "stacked_violins", "published_matrix"]
)
def test_same_bytes_twice(name, tmp_path):
    assert written(*drawn(name), tmp_path / "a") == written(*drawn(name), tmp_path / "b")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_empty_tables_say_so(name, tmp_path):
    figure, table = drawn(name, simulated=False, change=nothing)
    assert len(table) == 0
    assert words(figure)
    (svg,) = written(figure, table, tmp_path, ["svg"])
    assert b"Simulated data" not in svg


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_one_row_or_seed_or_gene(name, tmp_path):
    def change(given):
        if isinstance(given, dict):
            return {key: values[:2, :2] for key, values in given.items()}
        for column in ("method", "gene", "model", "symbol"):
            if column in given:
                return given[given[column] == given[column].iloc[0]]
        return given[:1]

    assert written(*drawn(name, change=change), tmp_path, ["svg"])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["tissue_overview", "spatial_domains", "domain_agreement"])
def test_several_sections(name, tmp_path):
    many = tables.spots(700, 3)
    given = {
        "spots": many, "edges": tables.edges(many), "domain_map": tables.domain_map(700, 3),
        "domains": tables.domains(3),
    }  # fmt: skip
    figure, table = drawn(name, **given)
    (svg,) = written(figure, table, tmp_path, ["svg"])
    assert all(section.encode() in svg for section in ("151507", "151508", "151509"))
    assert "3 sections" in foot(figure)


@pytest.mark.filterwarnings("error")
def test_twelve_large_sections_stay_small(tmp_path):
    given = {"domain_map": tables.domain_map(4000, 12), "domains": tables.domains(12)}
    (svg,) = written(*drawn("spatial_domains", **given), tmp_path, ["svg"])
    assert len(svg) < 1e6


def test_no_labels_and_no_counts_are_said():
    assert "no labels" in words(drawn("tissue_overview", spots=tables.spots(300, labelled=False))[0])
    assert "stored features" in words(drawn("tissue_overview", spots=tables.spots(300, counts=False))[0])
    figure, _ = drawn("spatial_domains", domain_map=tables.domain_map(300, labelled=False))
    assert "no labels" in words(figure) and "those of the first method" in foot(figure)
    assert "nothing to agree with" in words(drawn("domain_agreement", domains=tables.domains()[:0])[0])


def test_gain_is_over_the_gene_means_of_the_same_seed():
    table = drawn("held_out_likelihood")[1]
    level = table[table["method"] == "gene_mean"]["log_likelihood"].iloc[0]
    assert table["gain"].to_numpy() == pytest.approx(table["log_likelihood"].to_numpy() - level)
    two = pd.DataFrame({"method": ["gene_mean", "gene_mean", "knn"], "seed": ["0", "1", "1"]})
    found = imputation.with_gain(two.assign(log_likelihood=[-3.0, -2.0, -1.5]))
    assert found["gain"].tolist() == [0, 0, 0.5]


def test_verdict_is_the_title_and_far_methods_are_named():
    figure, table = drawn("held_out_likelihood", verdict=tables.verdict("no gain, use raw"))
    assert "no gain, use raw" in figure.get_suptitle()
    mean = table[table["method"] == "observed"]["gain"].mean()
    assert f"{mean:.3g}".replace("-", "−") in words(figure)
    best, _ = best_of(table, "gain")
    assert method_look(best).title in foot(figure) and best == "log_svd_5"


@pytest.mark.parametrize(
    ("name", "column"),
    [("masked_protocol", "pearson"), ("planted_truth", "pearson"), ("domain_agreement", "ari")],
)
def test_scores_are_drawn_where_the_table_says(name, column):
    figure, table = drawn(name)
    found = np.concatenate([line.get_xdata() for ax in figure.axes for line in ax.lines])
    assert all(np.isclose(found, value).any() for value in table[column])


@pytest.mark.parametrize("name", ["held_out_likelihood", "planted_truth"])
def test_two_rates_of_the_model_are_told_apart(name):
    figure, _ = drawn(name)
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels[:2] == ["GMM-VGAE, given own counts", "GMM-VGAE, expected rates"]


@pytest.mark.parametrize(("share", "said"), [(0.304, "30 %"), (0.96, "96 %")])
def test_share_of_single_umis_is_that_of_the_table(share, said):
    figure, _ = drawn("masked_protocol", masked=tables.masked().assign(share_single=share))
    assert f"{said} of the nonzero entries are single UMIs" in foot(figure)


def test_graph_is_described_in_words_with_few_digits():
    said = foot(drawn("tissue_overview")[0])
    assert "directed edges 5,164; mean number of neighbours 5.74; spots without a neighbour 0" in said
    assert "median distance to the nearest spot 1,140." in said and "_" not in said


@pytest.mark.parametrize(("before", "after"), [(0.999, 0.987), (1.0, 1.0), (0.2, 0.9), (-0.02, 0.0)])
def test_axis_of_clusters_is_long_enough_and_ends_at_one(before, after):
    scores = pd.DataFrame({"input": ["raw", "imputed"], "seed": "0", "ari": [before, after]})
    low, high = drawn("clustering_after_imputation", after_imputation=scores)[0].axes[0].get_ylim()
    assert high - low >= 0.1 - 1e-9 and high <= 1.02
    assert low < min(before, after) and max(before, after) < high


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_markers_at_the_ends_of_the_index_are_whole(level):
    scores = tables.domains().assign(ari=level, nmi=level)
    low, high = drawn("domain_agreement", domains=scores)[0].axes[0].get_xlim()
    assert low <= -0.02 and level + 0.02 <= high <= 1.02


def test_pairs_with_and_without_an_edge_stand_side_by_side():
    graph = tables.arrays(60)["graph"]
    full = {"matrix": np.ones((60, 60)), "graph": graph, "expression": np.ones((60, 60))}
    figure, _ = drawn("published_matrix", matrix=full)
    bars = [bar for bar in figure.axes[3].patches if bar.get_height() > 0]
    assert [bar.get_height() for bar in bars] == pytest.approx([1, 1])
    assert bars[0].get_x() + bars[0].get_width() <= bars[1].get_x() + 1e-9


def test_model_is_bold_and_first_controls_are_grey():
    figure, table = drawn("masked_protocol")
    labels = figure.axes[0].get_yticklabels()
    assert labels[0].get_text() == "GMM-VGAE" and labels[0].get_fontweight() == "bold"
    assert [text.get_text() for text in labels] == [method_look(n).title for n in in_order(table["method"])]
    assert in_order(["zzz", "observed", "gmm_vgae"]) == ["gmm_vgae", "observed", "zzz"]


def test_domain_colours_follow_the_labels():
    spots = tables.domain_map(400)
    figure, _ = drawn("spatial_domains", domain_map=spots)
    colours = [ax.collections[0].get_facecolors() for ax in figure.axes[:2]]
    same = (colours[0] == colours[1]).all(axis=1)
    assert same[spots["label"] != ""].mean() > 0.85
    found = [tuple(row) for row in colours[1]]
    assert adjusted_rand_score(pd.factorize(pd.Series(found))[0], spots["gmm_vgae"]) == pytest.approx(1.0)


def test_spots_are_circles_in_data_units_and_y_points_down():
    figure, _ = drawn("spatial_patterns")
    ax = figure.axes[0]
    assert isinstance(ax.collections[0], EllipseCollection) and ax.collections[0].get_rasterized()
    assert ax.get_aspect() == 1.0 and ax.get_ylim()[0] > ax.get_ylim()[1]


def test_panels_of_a_gene_share_one_scale_and_name_the_correlation():
    figure, table = drawn("spatial_patterns")
    maps = [ax.collections[0] for ax in figure.axes if ax.collections and ax.collections[0].get_rasterized()]
    limits = [circles.get_clim() for circles in maps]
    assert limits[0] == limits[1] == limits[2] and limits[0][0] == 0
    first = table[table["rank"] == 1]
    r = np.corrcoef(first["imputed"], first["truth"])[0, 1]
    assert f"r = {r:.2f}" in " ".join(ax.get_title(loc="left") for ax in figure.axes)
    real = drawn("spatial_patterns", patterns=tables.patterns(400, 3, truth=False))
    assert "true rate" not in " ".join(ax.get_title(loc="left") for ax in real[0].axes)
    assert "truth" not in real[1]


def test_graph_of_the_crop_is_that_of_the_edges():
    figure, _ = drawn("tissue_overview")
    segments = [c for ax in figure.axes for c in ax.collections if hasattr(c, "get_segments")][
        0
    ].get_segments()
    lengths = [np.linalg.norm(line[0] - line[1]) for line in segments]
    assert len(segments) > 100 and max(lengths) < 150
    points = next(line for ax in figure.axes for line in ax.lines if line.get_marker() == "o")
    pairs = cKDTree(np.c_[points.get_xdata(), points.get_ydata()]).query_pairs(150)
    assert len(segments) == len(pairs)
    # Digits that a table loses, and an edge of another section in between, change nothing.
    rough = tables.edges(SPOTS) + 1e-7
    other = pd.DataFrame([rough.iloc[200] + 30])
    again, _ = drawn("tissue_overview", edges=pd.concat([rough, other], ignore_index=True))
    drawn_again = [c for ax in again.axes for c in ax.collections if hasattr(c, "get_segments")][
        0
    ].get_segments()
    assert len(drawn_again) == len(segments)


def test_genes_to_name():
    draw, given = INPUTS["spatial_autocorrelation"]
    asked, _ = draw(given["autocorrelation"], ["MBP", "nowhere"], simulated=True)
    assert "MBP" in words(asked) and "GENE" not in words(asked)
    by_net, _ = drawn("spatial_autocorrelation")
    known = given["autocorrelation"][given["autocorrelation"]["imputable"]]
    top = known.sort_values("net").iloc[-1]["symbol"]
    assert top in words(by_net)


def test_marker_whose_layer_moves_is_red():
    figure, table = drawn("marker_heatmap")
    red = [t.get_text() for t in figure.axes[0].get_yticklabels() if t.get_color() != "#000000"]
    assert red == ["SNAP25"]
    assert set(table.loc[~table["same_highest"].astype(bool), "symbol"]) == {"SNAP25"}
    assert table[["raw_share", "imputed_share"]].max().max() == 1.0


def test_violins_table_holds_quantiles():
    violins = tables.violins()
    table = drawn("stacked_violins")[1].set_index(["symbol", "label", "kind"])
    rows = violins[(violins["symbol"] == "PCP4") & (violins["label"] == "L5")]
    assert table.loc[("PCP4", "L5", "raw"), "q50"] == pytest.approx(rows["raw"].median())
    assert table.loc[("PCP4", "L5", "imputed"), "n"] == len(rows)
    assert "" not in table.index.get_level_values("label")


def test_lowest_validation_is_chosen():
    table = drawn("training_curves")[1]
    held = table[table["name"] == "validation"]
    best = held.loc[held.groupby("seed")["value"].idxmin()]
    assert table["chosen"].sum() == 3 and best["chosen"].all()


def test_change_after_imputation():
    table = drawn("clustering_after_imputation")[1]
    assert table["change"].to_numpy() == pytest.approx((table["imputed"] - table["raw"]).to_numpy())
    assert len(table) == 5


def test_published_matrix_is_shown_in_one_order():
    arrays = tables.arrays(60)
    given = {**arrays, "expression": np.tile(np.arange(60.0), (60, 1))}
    banded = in_band(given)
    rows, columns = np.nonzero(banded["graph"])
    before = np.abs(np.subtract(*np.nonzero(arrays["graph"]))).max()
    assert np.abs(rows - columns).max() < before / 2
    order = banded["expression"][0].astype(int)
    assert np.array_equal(banded["matrix"], arrays["matrix"][np.ix_(order, order)])
    figure, _ = drawn("published_matrix")
    assert {"130 GB", "0.946", "96,000"} <= {text.get_text() for text in figure.axes[4].texts}


def test_names_are_data(tmp_path):
    markers = tables.markers().assign(symbol="$x^2$", label="</script>")
    (svg,) = written(*drawn("marker_heatmap", markers=markers), tmp_path, ["svg"])
    assert b"$x^2$" in svg and b"&lt;/script&gt;" in svg and b"</script>" not in svg
