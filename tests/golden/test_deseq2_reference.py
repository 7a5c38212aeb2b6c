"""`run_deseq2` gives R's own numbers, whatever the levels are called; tests/golden/data is R's output."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats.deseq2 import run_deseq2
from workflow_scripts.lib.stats.design import check_design

pytestmark = pytest.mark.needs_r

DATA = Path(__file__).parent / "data"
COLUMNS = ["baseMean", "log2FoldChange", "lfcSE", "stat", "pvalue", "padj"]
REFERENCE = {"genotype": "wild-type", "time": "0h"}
CROSSED = "~ genotype * time"
INTERACTION = "genotypeknock_out.timex24_h"


@pytest.fixture(scope="module")
def counts():
    return pd.read_csv(DATA / "counts.csv", index_col="gene_id")


@pytest.fixture(scope="module")
def samples():
    return pd.read_csv(DATA / "samples.csv", index_col="sample", dtype=str)


@pytest.fixture(scope="module")
def facts():
    return pd.read_csv(DATA / "facts.csv", index_col="name")


def same_as_r(found, name, facts):
    expected = pd.read_csv(DATA / f"{name}.csv")
    assert found.table.gene_id.tolist() == expected.gene_id.tolist()
    for column in COLUMNS:
        np.testing.assert_allclose(
            found.table[column], expected[column], rtol=1e-6, atol=1e-12, err_msg=column
        )
    np.testing.assert_allclose(found.dispersions.dispersion, expected.dispersion, rtol=1e-6)
    fact = facts.loc[name]
    np.testing.assert_allclose(found.size_factors, fact[found.size_factors.index].astype(float), rtol=1e-8)
    parametric = [fact.asymptote, fact.extra_poisson]
    np.testing.assert_allclose(
        found.facts["trend"], [] if np.isnan(fact.asymptote) else parametric, rtol=1e-6
    )
    assert found.facts["prior"][0] == pytest.approx(fact.prior, rel=1e-6)
    assert found.facts["filter"][0] == pytest.approx(fact["filter"], rel=1e-6)


@pytest.fixture(scope="module")
def plain(counts, samples):
    contrast = ["genotype", "knock out", "wild-type"]
    return run_deseq2(counts, samples, "~ genotype", contrast, reference=REFERENCE, shrink_normal=True)


def test_two_groups(plain, facts):
    same_as_r(plain, "plain", facts)
    expected = pd.read_csv(DATA / "plain.csv").shrunken
    np.testing.assert_allclose(plain.shrunken, expected, rtol=1e-5, atol=1e-9)


def test_why_a_gene_has_no_adjusted_p_value(plain):
    reason = plain.table.set_index("gene_id").na_reason
    assert (reason[["g298", "g299", "g300"]] == "all_zero").all()
    assert reason["g005"] == "cooks_outlier"
    table = plain.table
    assert ((table.na_reason == "") == table.padj.notna()).all()
    filtered = table[table.na_reason == "low_mean"]
    assert filtered.pvalue.notna().all() and (filtered.baseMean <= plain.facts["filter"][0]).all()


def test_additive_design_with_hyphens_spaces_and_leading_digits(counts, samples, facts):
    formula = "~ batch + time + genotype"
    check_design(formula, samples, reference=REFERENCE)
    found = run_deseq2(counts, samples, formula, ["time", "24 h", "0h"], reference=REFERENCE)
    same_as_r(found, "additive", facts)
    assert found.vst.shape == counts.shape and found.shrunken.size == 0
    vst = pd.read_csv(DATA / "vst.csv", index_col="gene_id")
    np.testing.assert_allclose(found.vst.loc[vst.index, vst.columns], vst, rtol=1e-6)
    assert found.coefficients.shape == (300, 4) and len(found.facts["names"]) == 4


def test_the_other_direction_changes_only_the_sign(counts, samples):
    found = run_deseq2(
        counts, samples, "~ batch + time + genotype", ["time", "0h", "24 h"], reference=REFERENCE
    )
    expected = pd.read_csv(DATA / "additive.csv")
    np.testing.assert_allclose(found.table.log2FoldChange, -expected.log2FoldChange, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found.table.padj, expected.padj, rtol=1e-6, atol=1e-300)


@pytest.mark.parametrize(
    "contrast, name",
    [
        ({INTERACTION: 1}, "interaction"),
        (INTERACTION, "interaction"),
        ({"time_x24_h_vs_x0h": 1, INTERACTION: 1}, "late_in_knock_out"),
    ],
)
def test_interaction_contrasts(counts, samples, facts, contrast, name):
    same_as_r(run_deseq2(counts, samples, CROSSED, contrast, reference=REFERENCE), name, facts)


def test_effect_within_the_other_level_by_releveling(counts, samples):
    """The time effect with the knock-out as reference is the sum of the main effect and the interaction."""
    swapped = {**REFERENCE, "genotype": "knock out"}
    found = run_deseq2(counts, samples, CROSSED, ["time", "24 h", "0h"], reference=swapped).table
    expected = pd.read_csv(DATA / "late_in_knock_out.csv")
    clear = expected.lfcSE < 3  # DESeq2's optimiser stops short on separated genes
    assert clear.sum() > 250
    np.testing.assert_allclose(found.log2FoldChange[clear], expected.log2FoldChange[clear], atol=1e-3)


def test_poscounts(counts, samples, facts):
    rows = np.arange(297)
    values = counts.to_numpy().copy()
    values[rows, rows % 8] = 0
    sparse = pd.DataFrame(values, index=counts.index, columns=counts.columns)
    contrast = ["genotype", "knock out", "wild-type"]
    options = {"reference": REFERENCE}
    found = run_deseq2(
        sparse, samples, "~ batch + genotype", contrast, size_factor_type="poscounts", **options
    )
    same_as_r(found, "poscounts", facts)
    with pytest.raises(
        LatentomeError, match="DESeq2 stopped for design.*every gene contains at least one zero"
    ):
        run_deseq2(sparse, samples, "~ batch + genotype", contrast, **options)


def test_control_genes(counts, samples, facts):
    control = np.zeros(300, bool)
    control[9:290:10] = True
    contrast = ["genotype", "knock out", "wild-type"]
    found = run_deseq2(counts, samples, "~ batch + genotype", contrast, reference=REFERENCE, control=control)
    same_as_r(found, "control_genes", facts)


def test_numeric_column(counts, samples, facts):
    formula = "~ dose + genotype"
    found = run_deseq2(counts, samples, formula, "dose", reference=REFERENCE, numeric=("dose",))
    same_as_r(found, "numeric", facts)


@pytest.mark.parametrize(
    "formula, contrast",
    [
        (CROSSED, {INTERACTION: 1}),
        (CROSSED, ["time", "24 h", "0h"]),
        ("~ 0 + genotype", ["genotype", "knock out", "wild-type"]),
    ],
)
def test_where_r_cannot_shrink_the_test_still_comes_through(counts, samples, formula, contrast):
    found = run_deseq2(counts, samples, formula, contrast, reference=REFERENCE, shrink_normal=True)
    assert found.table.padj.notna().any() and found.shrunken.size == 0
