"""Parts of the spatial figures: spots on the tissue, colours of domains, axes, slopes, and reading of tables."""

import numpy as np
import pandas as pd
import pytest
import spatial_plot_tables as tables
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.plots.spatial_rows import log_ticks
from workflow_scripts.lib.plots.spatial_tables import (
    TABLES,
    read_published_matrix,
    read_spatial_table,
    read_training,
)
from workflow_scripts.lib.plots.spatial_training import scaling, slope, whole_runs
from workflow_scripts.lib.plots.steady import new_figure
from workflow_scripts.lib.plots.tissue import domain_colours, draw_spots, matched, scale_bar, spot_width
from workflow_scripts.spatial.build_graph import spacing_within


def test_width_of_a_spot():
    assert spot_width(tables.hexagonal(400)) == pytest.approx(137.0)
    assert spot_width(np.zeros((5, 2))) == 1.0
    random = np.random.default_rng(0).uniform(0, 100, (1000, 2))
    assert spot_width(random) == pytest.approx(0.8 * 100 / 1000**0.5, rel=0.02)


def test_spacing_of_sections_that_overlap():
    places = tables.hexagonal(400)
    both = np.r_[places, places + 20]
    sections = pd.Series(["a"] * 400 + ["b"] * 400, dtype="category")
    assert spacing_within(both, sections) == pytest.approx(137.0)
    assert spacing_within(both, None) < 30
    lonely = pd.Series(["a"] * 400 + [f"c{k}" for k in range(400)])
    assert spacing_within(both, lonely) == pytest.approx(137.0)


def test_scale_bar_is_as_long_as_it_says():
    ax = Figure().add_subplot()
    places = pd.DataFrame({"x": [0.0, 4000.0], "y": [0.0, 3000.0]})
    draw_spots(ax, places, colours=["#000000", "#FFFFFF"])
    scale_bar(ax)
    low, high = ax.get_xlim()
    share = np.ptp(ax.lines[-1].get_xdata())
    assert ax.texts[-1].get_text() == f"{share * (high - low):,.0f} units"


@pytest.mark.parametrize(
    ("low", "high", "named"), [(500, 1400, ["500", "700", "1,000"]), (1, 60, ["1", "2", "5", "50"])]
)
def test_log_axes_have_more_than_one_label(low, high, named):
    figure = Figure()
    ax = figure.add_subplot()
    ax.plot([low, high], [1, 2])
    log_ticks(ax, "x")
    FigureCanvasAgg(figure).draw()
    assert set(named) <= {text.get_text() for text in ax.get_xticklabels()}


def test_domains_take_the_label_that_they_share_most_spots_with():
    reference = pd.Series(["a"] * 4 + ["b"] * 3 + [""] * 2)
    found = pd.Series(["7", "7", "7", "2", "2", "2", "7", "5", "5"])
    assert matched(reference, found) == {"7": 0, "2": 1, "5": 2}
    assert matched(reference, found, ["0", "a", "b"])["7"] == 1
    colours = domain_colours(20)
    assert len(set(colours)) == 20


def test_missing_values_of_spots_are_light_grey():
    figure = Figure()
    ax = figure.add_subplot()
    values = pd.Series([0.0, np.nan, 1.0])
    circles = draw_spots(ax, pd.DataFrame({"x": [0.0, 1, 2], "y": 0.0}), values=values)
    FigureCanvasAgg(figure).draw()
    assert circles.get_facecolors()[1][:3] == pytest.approx(np.full(3, 0xD0 / 255))


def test_slopes_on_logarithms():
    table = scaling(tables.scaling(), simulated=True)[1].groupby("model")["exponent_time"].first()
    assert table["gmm_vgae"] == pytest.approx(1.0) and table["dense_as_published"] == pytest.approx(2.0)
    assert np.isnan(slope(pd.Series([10.0]), pd.Series([3.0])))


def test_reading(tmp_path):
    path = tmp_path / "truth.tsv"
    path.write_text(
        "method\tkind\tseed\tpearson\tpearson_log\tcoverage_90\ngene_mean\tbaseline\t1.0\t0.5\t0.6\t\n"
    )
    table = read_spatial_table(path)
    assert table["seed"].tolist() == ["1"] and table["coverage_90"].isna().all()
    path.write_text("method\tkind\tseed\tpearson\tpearson_log\n")
    with pytest.raises(LatentomeError, match='no column "coverage_90"'):
        read_spatial_table(path)
    path = tmp_path / "models/gmm_vgae/seed3/history.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("epoch\tstep\tloss\texpression\n1\t4\t2.5\t2.0\n")
    table = read_training([path])
    assert table["seed"].tolist() == ["3"] and table["edges"].isna().all() and table["loss"].tolist() == [2.5]
    np.savez(tmp_path / "matrix.npz", matrix=np.eye(2))
    with pytest.raises(LatentomeError, match='no array "graph", "expression"'):
        read_published_matrix(tmp_path / "matrix.npz")
    (tmp_path / "matrix.npz").write_bytes(b"no zip")
    with pytest.raises(LatentomeError, match=r"expected an \.npz"):
        read_published_matrix(tmp_path / "matrix.npz")
    assert set(TABLES["patterns"].numbers) >= {"raw", "imputed"}


def test_places_of_panels_are_rounded_and_laid_out_again():
    figure = new_figure(6, 3, "Title")
    axes = figure.subplots(1, 3, width_ratios=[1.25, 0.8, 0.75])
    FigureCanvasAgg(figure).draw()
    before = axes[0].get_position().x0
    axes[0].set_ylabel("two\nlines")
    FigureCanvasAgg(figure).draw()
    assert axes[0].get_position().x0 > before
    places = np.array([ax.get_position(original=True).get_points() for ax in axes])
    assert np.array_equal(places, np.round(places, 9)) and len(np.unique(places)) > 6


def test_stages_of_a_run_are_parts_of_it():
    given = tables.scaling()
    parts = given.assign(
        stage="read", seconds=given.seconds / 3, peak_mb=given.peak_mb - 9, seconds_per_epoch=np.nan
    )
    found = whole_runs(pd.concat([parts, given]))
    assert len(found) == len(given) and (found.stage == "").all()
    both = given.merge(found, on=["model", "spots"], suffixes=("", "_whole"))
    for column in ("seconds", "peak_mb", "seconds_per_epoch"):
        assert (both[column] == both[f"{column}_whole"]).all()
