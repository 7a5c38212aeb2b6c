"""Scores of differential expression on tables small enough to count by hand."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.lib.metrics.differential_expression import (
    against_truth,
    bin_name,
    called_fraction,
    concordance,
    tidy,
)

# Ten genes: four affected; calls at 5 %: a, b, c (true), g (false). d is missed, j has no p-value.
TRUTH = pd.Series({"a": 2.0, "b": -1.0, "c": 1.0, "d": 0.5} | dict.fromkeys("efghij", 0.0))
ESTIMATE = [2.5, -1.0, 1.5, 0.0, 0.0, 0.5, 1.0, 0.0, 0.0, np.nan]
PADJ = [0.001, 0.004, 0.03, 0.3, 0.8, 0.15, 0.02, 0.9, 0.07, np.nan]


@pytest.fixture
def table():
    return pd.DataFrame(
        {"gene_id": list(TRUTH.index), "log2FoldChange": ESTIMATE, "lfcSE": 0.3, "padj": PADJ}
    )


def scores(table, **options):
    return {(metric, place): (value, n) for metric, place, value, n in against_truth(table, TRUTH, **options)}


def test_calls_by_hand(table):
    found = scores(table)
    assert found["fdr", ""] == (0.25, 4) and found["power", ""] == (0.75, 4)
    assert found["observed_fdr", "0.01"] == (0.0, 2) and found["observed_fdr", "0.05"] == (0.25, 4)
    assert found["observed_fdr", "0.1"] == (0.4, 5) and found["observed_fdr", "0.2"] == (0.5, 6)


def test_level_of_the_headline(table):
    found = scores(table, level=0.01)
    assert found["fdr", ""] == (0.0, 2) and found["power", ""] == (0.5, 4)


def test_error_by_hand(table):
    squares = np.array([0.5, 0, 0.5, 0.5, 0, 0.5, 1, 0, 0]) ** 2
    value, n = scores(table)["rmse", ""]
    assert value == pytest.approx(np.sqrt(squares.mean())) and n == 9


def test_coverage_by_standard_error(table):
    """|error| / 0.3 is 0, 1.67 or 3.33: only gene g is outside of 95 %, those at 1.67 are outside of 90 %."""
    found = scores(table)
    assert found["coverage", ""] == (pytest.approx(8 / 9), 9)
    assert found["observed_coverage", "0.95"] == (pytest.approx(8 / 9), 9)
    assert found["observed_coverage", "0.9"] == (pytest.approx(4 / 9), 9)
    assert found["observed_coverage", "0.5"] == (pytest.approx(4 / 9), 9)
    assert found["coverage_de", ""] == (1.0, 4)


def test_coverage_by_intervals(table):
    table["lfc_lower"], table["lfc_upper"] = table.log2FoldChange - 0.6, table.log2FoldChange + 0.6
    table.loc[0, ["lfc_lower", "lfc_upper"]] = [2.05, 3.0]  # just misses 2
    assert scores(table)["coverage", ""] == (pytest.approx(7 / 9), 9)
    assert scores(table)["coverage_de", ""] == (pytest.approx(3 / 4), 4)


def test_order_of_rows_and_unknown_genes_do_not_matter(table):
    more = pd.concat(
        [table.iloc[::-1], pd.DataFrame({"gene_id": ["zz"], "log2FoldChange": [9.0], "padj": [0.0]})]
    )
    assert scores(more) == scores(table)


def test_what_a_method_lacks_is_left_out(table):
    table["padj"], table["lfcSE"] = np.nan, np.nan
    assert set(scores(table)) == {("rmse", "")}


def test_no_call_is_no_false_call(table):
    found = scores(table.assign(padj=1.0))
    assert found["fdr", ""] == (0.0, 0) and found["power", ""] == (0.0, 4)


def test_concordance_of_a_scaled_copy():
    rng = np.random.default_rng(0)
    genes = [f"g{i}" for i in range(50)]
    x = pd.Series(rng.normal(size=50), index=genes)
    mean = pd.Series(np.repeat([1.0, 50.0], 25), index=genes)
    found = (
        concordance(x, (0.5 * x + 1).sample(frac=1, random_state=1), mean).set_index(["bin", "metric"]).value
    )
    for place in ("all", "0-5", "20-100"):
        assert found[place, "pearson"] == pytest.approx(1) and found[place, "spearman"] == pytest.approx(1)
        assert found[place, "slope"] == pytest.approx(0.5)
    assert found["all", "rmse"] == pytest.approx(np.sqrt(((0.5 * x + 1 - x) ** 2).mean()))
    assert not any(place in found.index.get_level_values("bin") for place in ("5-20", "100-1000", ">1000"))


def test_concordance_leaves_out_missing_and_tiny_bins():
    x = pd.Series(np.arange(8.0))
    y = x.copy()
    y[0] = np.nan
    mean = pd.Series([1.0] * 4 + [200.0] * 4)
    found = concordance(x, y, mean)
    assert set(found.bin) == {"all"} and (found.n == 7).all()


def test_small_helpers():
    assert bin_name(20, 100) == "20-100" and bin_name(1000, np.inf) == ">1000"
    assert called_fraction(pd.Series([0.01, 0.2, np.nan, 0.05]), 0.05) == 0.25
    rows = tidy("simulation", [{"metric": "fdr", "value": 0.1}])
    assert rows.loc[0, "benchmark"] == "simulation" and rows.columns[-1] == "n" and np.isnan(rows.loc[0, "n"])
