"""Every figure of the L1000 study: its table is what is drawn, names are data, inputs empty, small and large."""

import json
from types import SimpleNamespace

import l1000_plot_tables as tables
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from figure_scripts import check_figures, heavy_imports
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.stats import norm

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.plots import (
    architecture,
    class_generation,
    class_network,
    class_scores,
    drug_targets,
    generated_signatures,
    latent_nodes,
    published_weights,
    reconstruction,
    signature_overview,
    signature_training,
)
from workflow_scripts.lib.plots.clusters import tree_of
from workflow_scripts.lib.plots.generated_signatures import mass_levels
from workflow_scripts.lib.plots.layout import Box, pack_components, push_apart
from workflow_scripts.lib.plots.scores import class_name, first_seeds, span
from workflow_scripts.lib.plots.signature_tables import TABLES, read_distances, read_signature_table
from workflow_scripts.lib.plots.style import save_figure

NOTE = "Reduced from the paper: 60 of 300 epochs"


def inputs(count=21):
    """Each figure's function and the tables that it draws, with `count` classes where there are classes."""
    distance, edges, nodes = tables.network(count)
    return {
        "dataset_overview": (signature_overview.dataset_overview, tables.counts(), tables.cell_lines()),
        "expression_pca": (signature_overview.expression_pca, tables.expression_points(names=min(count, 12))),
        "model_architectures": (architecture.model_architectures, tables.CARDS),
        "signature_training": (signature_training.signature_training, tables.histories()),
        "reconstruction": (reconstruction.reconstruction, tables.reconstruction()),
        "programmes": (reconstruction.programmes, tables.programmes()),
        "signature_nodes": (latent_nodes.signature_nodes, tables.latent_units(), tables.class_nodes(count)),
        "latent_heatmap": (latent_nodes.latent_heatmap, tables.latent_sample(60, 16)),
        "generated_vs_real": (
            generated_signatures.generated_vs_real,
            *(tables.generated(), tables.generated_points(120)),
        ),
        "published_units": (published_weights.published_units, tables.units()),
        "class_generation": (
            class_generation.class_generation,
            *(tables.class_generation(count), tables.class_neighbours(count)),
        ),
        "class_prediction": (class_scores.class_prediction, tables.classification()),
        "code_assignment": (class_scores.code_assignment, tables.codes()),
        "drug_targets": (drug_targets.drug_targets, tables.targets(), tables.target_drugs()),
        "network_heatmap": (class_network.network_heatmap, distance, "svqvae"),
        "network_graph": (class_network.network_graph, edges, nodes, "svqvae"),
        "decoded_classes": (published_weights.decoded_classes, tables.decoded(count)),
    }


NAMES = list(inputs(3))
OF_CLASSES = ("signature_nodes", "class_generation", "network_heatmap", "network_graph", "decoded_classes")
_EMPTY = {"network_heatmap": lambda given: given.iloc[:0, :0]}


def drawn(name, count=21, simulated=True, change=lambda given: given):
    draw, *given = inputs(count)[name]
    changed = [change(table) if not isinstance(table, str) else table for table in given]
    return draw(*changed, simulated=simulated, note=NOTE)


def written(figure, table, folder, kinds=("svg", "png", "tsv")):
    paths = [folder / f"figure.{kind}" for kind in kinds]
    save_figure(figure, table, paths)
    return [path.read_bytes() for path in paths]


def words(figure):
    return " ".join(text.get_text() for ax in figure.axes for text in ax.texts)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_says_simulated_and_note_in_vector_text(name, tmp_path):
    figure, table = drawn(name, 9)
    svg, tsv = written(figure, table, tmp_path, ["svg", "tsv"])
    assert b"Simulated data" in svg and NOTE in " ".join(figure.get_supxlabel().split())
    assert b"mathdefault" not in svg and b"<script" not in svg
    assert len(svg) < 1e6
    assert tsv.count(b"\n") > 1


@pytest.mark.parametrize("name", ["network_graph", "generated_vs_real"])
def test_same_bytes_twice(name, tmp_path):
    first = written(*drawn(name, 9), tmp_path / "a")
    assert first == written(*drawn(name, 9), tmp_path / "b")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_empty_tables_say_so(name, tmp_path):
    change = _EMPTY.get(name, lambda given: given[:0])
    figure, table = drawn(name, simulated=False, change=change)
    assert len(table) == 0
    assert words(figure)
    (svg,) = written(figure, table, tmp_path, ["svg"])
    assert b"Simulated data" not in svg


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", OF_CLASSES)
@pytest.mark.parametrize("count", [1, 75])
def test_one_and_many_classes(name, count, tmp_path):
    (svg,) = written(*drawn(name, count), tmp_path, ["svg"])
    assert len(svg) < 1e6
    assert (class_name(tables.classes(1)[0]).split()[0].encode() in svg) or count == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_one_model_and_missing_numbers(name, tmp_path):
    def change(given):
        if isinstance(given, list):
            return given[:1]
        if "model" in given:
            given = given[given["model"] == given["model"].iloc[0]]
        if "lower" in given:
            given = given.assign(lower=np.nan, upper=np.nan)
        return given.assign(signatures=np.nan) if "norm" in given else given

    assert written(*drawn(name, 2, change=change), tmp_path, ["svg"])


def test_the_class_nodes_may_be_missing_alone(tmp_path):
    figure, table = latent_nodes.signature_nodes(
        tables.latent_units(), tables.class_nodes().head(0), simulated=True
    )
    assert "no class with" in words(figure) and set(table["panel"]) == {"mean_abs", "kl"}


@pytest.mark.parametrize(("name", "column"), [("reconstruction", "explained_variance"), ("programmes", "r2")])
def test_scores_are_drawn_where_the_table_says(name, column):
    figure, table = drawn(name)
    found = np.concatenate(
        [np.r_[line.get_xdata(), line.get_ydata()] for ax in figure.axes for line in ax.lines]
    )
    models = table[~table["model"].isin(["zero", "mean"])]
    shown = models[column].clip(lower=-0.5)
    assert all(np.isclose(found, value).any() for value in shown)


def test_pca_at_as_many_units():
    table = drawn("reconstruction")[1].set_index("model")
    row = table.loc["weights_smgp"]
    assert row["pca_at_units"] == pytest.approx(0.06 + 0.08 * np.log2(100))
    assert row["pca_at_active"] == pytest.approx(0.06 + 0.08 * np.log2(50))
    assert np.isnan(table.loc["svqvae", "pca_at_units"]).all(), "beyond the computed components"


def test_labels_of_the_graph_do_not_overlap():
    figure, table = drawn("network_graph", 75)
    FigureCanvasAgg(figure).draw()
    boxes = [text.get_bbox_patch().get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 75
    clashes = [(a, b) for k, a in enumerate(boxes) for b in boxes[k + 1 :] if a.overlaps(b)]
    assert not clashes
    places = {tuple(row) for row in table[["target_x", "target_y"]].to_numpy()}
    assert places == {tuple(np.round(text.get_position(), 4)) for text in figure.axes[0].texts}
    graph = nx.from_pandas_edgelist(table, "source", "target")
    for part in nx.connected_components(graph):
        assert table.loc[table["target"].isin(part), "component"].nunique() == 1


def test_heat_map_is_ordered_as_scipy_does():
    distance = tables.network(20)[0]
    order, _ = tree_of(distance.to_numpy(), distances=True)
    condensed = distance.to_numpy()[np.triu_indices(20, 1)]
    assert order == leaves_list(linkage(condensed, "average")).tolist()
    table = drawn("network_heatmap", 20)[1]
    assert len(table) == 20 * 19
    first = table.drop_duplicates("pcl_id").sort_values("row")["pcl_id"].tolist()
    assert first == [distance.index[k] for k in order]
    values = np.random.default_rng(0).normal(size=(9, 3))
    assert tree_of(values)[0] == leaves_list(linkage(values, "average", "euclidean")).tolist()
    assert tree_of(values[:2]) == ([0, 1], None)


def test_contours_hold_their_share_of_a_normal():
    axis = np.linspace(-6, 6, 401)
    density = norm.pdf(axis)[:, None] * norm.pdf(axis)[None, :]
    levels = mass_levels(density, (0.5, 0.9))
    # A plane normal holds the share s within height (1 - s) / 2 pi.
    assert levels == pytest.approx(np.array([0.1, 0.5]) / (2 * np.pi), rel=0.02)


def test_boxes_are_pushed_apart_and_packed():
    rng = np.random.default_rng(0)
    sizes = rng.uniform(0.3, 1.2, (30, 2))
    places = push_apart(rng.normal(0, 1, (30, 2)), sizes)
    gaps = np.abs(places[:, None] - places[None]) - (sizes[:, None] + sizes[None]) / 2
    assert (gaps.max(axis=2)[np.triu_indices(30, 1)] > -1e-3).all()
    graph = nx.Graph([("a", "b"), ("c", "d")])
    graph.add_node("e")
    parts = list(nx.connected_components(graph))
    found, size = pack_components(graph, parts, {name: Box(1.0, 0.5) for name in graph}, 3.0)
    assert set(found) == set("abcde") and all(
        0 <= x <= size[0] and 0 <= y <= size[1] for x, y in found.values()
    )
    assert size[0] <= 4.0


def test_architecture_layers():
    table = drawn("model_architectures")[1]
    published = table[table["model"] == "vae_published"]["size"].tolist()
    assert published == [978, 1000, 1000, 100, 1000, 1000, 978]
    assert table[table["model"] == "vae_linear"]["size"].tolist() == [978, 32, 978]
    assert table[table["model"] == "vae"]["size"].tolist()[0] == 978 + 9
    assert table[table["model"] == "svqvae"]["size"].tolist() == [978, 1000, 75, 1000, 978]


def test_names_are_data(tmp_path):
    table = tables.decoded(1).assign(pcl_id="CP_$x^2$_</script>")
    (svg,) = written(*published_weights.decoded_classes(table, simulated=True), tmp_path, ["svg"])
    assert b"$x^2$ &lt;/script&gt;" in svg and b"</script>" not in svg


def test_names_and_seeds():
    assert class_name("CP_MEK_INHIBITOR") == "MEK INHIBITOR"
    short = [class_name(name) for name in tables.PUBLISHED]
    assert len(set(short)) == 75 and max(map(len, short)) <= 34
    table = pd.DataFrame({"model": ["vae", "vae", "pca"], "seed": ["10", "9", ""]})
    assert first_seeds(table)["seed"].tolist() == ["9", ""]
    assert span([1200.0, np.nan, 30.0]) == "30 to 1,200" and span([np.nan]) == "unknown"


@pytest.mark.parametrize("name", NAMES)
def test_script_reads_and_writes(name, tmp_path):
    """Each script with tables as the workflow writes them: flags as 0 and 1, seeds with a decimal."""
    root = tmp_path / "in"
    root.mkdir()
    given = inputs(3)[name][1:]
    keys, attribute = _input_names(name), {}
    for key, table in zip(keys, given, strict=False):
        path = root / f"{key}.tsv"
        if key == "cards":
            path = [root / f"{k}.json" for k in range(len(table))]
            for one, card in zip(path, table, strict=True):
                one.write_text(json.dumps(card))
        elif key == "histories":
            prefix = np.where(table["name"].isin(["accuracy", "with_label"]), "validation/", "")
            table.assign(name=prefix + table["name"]).to_csv(path, sep="\t", index=False)
            path = [path]
        elif key == "distance":
            table.rename_axis("pcl_id").reset_index().to_csv(path, sep="\t", index=False)
        else:
            flags = {column: table[column].astype(int) for column in TABLES[key].flags}
            seeds = {"seed": table["seed"].replace({"": np.nan}).astype(float)} if "seed" in table else {}
            table.assign(**flags, **seeds).to_csv(path, sep="\t", index=False)
        attribute[key] = path if isinstance(path, list) else str(path)
    outputs = [tmp_path / f"{name}.{kind}" for kind in ("svg", "tsv")]
    module = __import__(f"workflow_scripts.l1000.plot_{name}", fromlist=["main"])
    module.main(
        SimpleNamespace(
            input=SimpleNamespace(**attribute), output=outputs, log=[str(tmp_path / "log")],
            params=SimpleNamespace(simulated=True, note=""), wildcards=SimpleNamespace(model="svqvae", dataset="demo"),
        )
    )  # fmt: skip
    assert all(path.stat().st_size for path in outputs)
    expected = drawn(name, 3)[1]
    assert len(pd.read_csv(outputs[1], sep="\t")) == len(expected)


def _input_names(name):
    return {
        "dataset_overview": ["counts", "cell_lines"],
        "expression_pca": ["expression_points"],
        "model_architectures": ["cards"],
        "signature_training": ["histories"],
        "signature_nodes": ["latent_units", "class_nodes"],
        "latent_heatmap": ["latent_sample"],
        "generated_vs_real": ["generated", "generated_points"],
        "published_units": ["units"],
        "class_generation": ["class_generation", "class_neighbours"],
        "class_prediction": ["classification"],
        "code_assignment": ["codes"],
        "drug_targets": ["targets", "target_drugs"],
        "network_heatmap": ["distance"],
        "network_graph": ["edges", "nodes"],
        "decoded_classes": ["decoded"],
    }.get(name, [name])


def test_reading(tmp_path):
    path = tmp_path / "edges.tsv"
    path.write_text(
        "target\tsource\tdistance\tweight\tmutual\nNA\tb\t0.5\t0.5\tTrue\nb\tNA\t0.5\t0.5\tFalse\n"
    )
    table = read_signature_table(path)
    assert table["target"].tolist() == ["NA", "b"] and table["mutual"].tolist() == [True, False]
    path.write_text("target\tsource\tdistance\tweight\nNA\tb\t0.5\t0.5\n")
    with pytest.raises(LatentomeError, match='no column "mutual"'):
        read_signature_table(path)
    path.write_text("pcl_id\ta\tb\na\t0\t0.5\nb\t0.5\t0\n")
    assert read_distances(path).loc["a", "b"] == 0.5


def test_light_imports():
    assert heavy_imports("l1000", NAMES, ("torch", "scanpy", "anndata", "matplotlib.pyplot")) == []


def test_every_figure_has_script_rule_and_caption():
    check_figures("l1000", NAMES)
