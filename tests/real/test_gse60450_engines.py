"""GSE60450 by other engines and under the null: edgeR and limma of Debian as oracles, permuted labels, blocking."""

import numpy as np
import pandas as pd
import pytest
from bulk_mirror import BLOCKS, called, fitted, kept_genes, loaded, mirrored

from workflow_scripts.lib.data.gene_ids import read_gene_info
from workflow_scripts.lib.stats.deseq2 import run_deseq2

pytestmark = [pytest.mark.slow, pytest.mark.needs_r]

R_ENGINES = """
function(counts, cell, status) {
  suppressMessages({library(edgeR); library(limma)})
  samples <- data.frame(cell = factor(cell, c("basal", "luminal")),
                        status = factor(status, c("virgin", "pregnant", "lactating")))
  groups <- model.matrix(~ 0 + factor(paste(samples$cell, samples$status)))
  design <- model.matrix(~ cell + status, samples)
  y <- calcNormFactors(DGEList(counts))
  common <- estimateDisp(y, design, robust = TRUE)
  ql <- glmQLFTest(glmQLFit(common, design, robust = TRUE), coef = "statuslactating")
  v <- eBayes(lmFit(voom(y, design), design))
  list(lfc_edger = ql$table$logFC, padj_edger = p.adjust(ql$table$PValue, "BH"),
       lfc_voom = v$coefficients[, "statuslactating"],
       padj_voom = p.adjust(v$p.value[, "statuslactating"], "BH"),
       kept = sum(filterByExpr(DGEList(counts), groups)), dispersion = common$common.dispersion,
       tmm = y$samples$norm.factors)
}
"""
R_FILTERS = """
function(counts, group) {
  suppressMessages(library(edgeR))
  y <- DGEList(counts)
  c(sum(rowSums(cpm(y) > 0.5) >= 2), sum(filterByExpr(y, model.matrix(~ 0 + factor(group)))))
}
"""


def r_matrix(counts):
    import rpy2.robjects as ro

    return ro.r.matrix(ro.IntVector(counts.to_numpy().ravel(order="F").tolist()), nrow=len(counts))


def text(values):
    import rpy2.robjects as ro

    return ro.StrVector([str(value) for value in values])


@pytest.fixture(scope="module")
def engines():
    import rpy2.robjects as ro

    counts, samples = kept_genes("gse60450")
    found = ro.r(R_ENGINES)(r_matrix(counts), text(samples.cell_type), text(samples.status))
    return {name: np.array(part) for name, part in zip(found.names, found, strict=True)}


def test_filters_of_edger():
    import rpy2.robjects as ro

    counts, samples = loaded("gse60450")
    group = samples.cell_type + samples.status
    assert np.array(ro.r(R_FILTERS)(r_matrix(counts), text(group))).tolist() == [15_804, 15_969]


def test_tmm_factors(engines):
    expected = [
        1.2313560, 1.2127566, 1.1212929, 1.0740850, 1.0372072, 1.0873961, 1.3688235, 1.3543631, 1.0014554,
        0.9203596, 0.5337235, 0.5405597,
    ]  # fmt: skip
    np.testing.assert_allclose(engines["tmm"], expected, atol=1e-6)


def test_other_engines_agree_on_the_true_contrast(engines):
    ours = fitted("gse60450", "lactating_vs_virgin").table
    calls = ours.padj.to_numpy() < 0.05
    by_edger, by_voom = engines["padj_edger"] < 0.05, engines["padj_voom"] < 0.05
    assert by_edger.sum() == pytest.approx(5_084, rel=0.01)
    assert by_voom.sum() == pytest.approx(5_423, rel=0.01)
    assert (calls & by_edger).sum() / (calls | by_edger).sum() == pytest.approx(0.76, abs=0.01)
    for name, expected in (("lfc_edger", 0.983), ("lfc_voom", 0.952)):
        assert np.corrcoef(ours.log2FoldChange, engines[name])[0, 1] == pytest.approx(expected, abs=0.002)


# Symbol: lactating/virgin and its standard error, luminal/basal, lactating/virgin within luminal.
NAMED = {
    "Csn2": (7.41953, 0.45540, 6.21680, 8.17881),
    "Wap": (9.77198, 0.42315, 6.14468, 10.38959),
    "Csn1s1": (6.06905, 0.42894, 6.20741, 6.80905),
    "Csn1s2b": (10.43424, 0.57860, 5.24205, 11.44127),
    "Lalba": (4.68391, 0.45075, 6.07218, 5.48331),
    "Glycam1": (9.62699, None, 5.57125, 11.18179),
    "Csn3": (4.24232, None, 5.88036, 5.03123),
    "Elf5": (2.55148, None, 5.79079, 3.18329),
    "Krt5": (0.98113, None, -8.95480, 1.01519),
    "Krt14": (-0.15853, None, -6.78805, -0.84612),
    "Acta2": (1.67670, None, -8.88828, 1.27824),
    "Krt18": (-1.42473, None, 3.85195, -2.06780),
    "Pgr": (-2.46352, None, -0.99465, -4.79542),
    "Gapdh": (-0.21491, None, -0.16587, 0.00347),
}
SHRUNKEN = {"Csn1s2b": 7.49735, "Wap": 7.32661, "Csn2": 5.20663, "Pgr": -0.84469, "Gapdh": -0.21088}


def test_named_fold_changes():
    symbols = read_gene_info(mirrored(BLOCKS["gse60450"]["gene_info"])).symbols
    for place, contrast in (
        (0, "lactating_vs_virgin"),
        (2, "luminal_vs_basal"),
        (3, "luminal_lactating_vs_virgin"),
    ):
        table = fitted("gse60450", contrast).table
        table = table.set_index(table.gene_id.map(symbols))
        expected = {symbol: values[place] for symbol, values in NAMED.items()}
        assert table.log2FoldChange[list(NAMED)].to_dict() == pytest.approx(expected, abs=1e-4), contrast
        if place == 0:
            errors = {symbol: values[1] for symbol, values in NAMED.items() if values[1]}
            assert table.lfcSE[list(errors)].to_dict() == pytest.approx(errors, abs=1e-4)


def test_normal_shrinkage_of_a_coefficient():
    symbols = read_gene_info(mirrored(BLOCKS["gse60450"]["gene_info"])).symbols
    reference = {"cell_type": "basal", "status": "virgin"}
    found = run_deseq2(
        *kept_genes("gse60450"), "~ cell_type + status", ["status", "lactating", "virgin"],
        reference=reference, shrink_normal=True,
    )  # fmt: skip
    shrunken = pd.Series(found.shrunken, index=found.table.gene_id.map(symbols))
    assert shrunken[list(SHRUNKEN)].to_dict() == pytest.approx(SHRUNKEN, abs=1e-3)


def eight():
    counts, samples = loaded("gse60450")
    samples = samples[samples.status != "pregnant"]
    counts = counts[samples.index]
    return counts[counts.sum(axis=1) >= 10], samples


@pytest.mark.parametrize(("design", "calls"), [("~ status", 2_133), ("~ cell_type + status", 5_819)])
def test_blocking_by_cell_type_matters(design, calls):
    found = run_deseq2(*eight(), design, ["status", "lactating", "virgin"])
    assert called(found.table) == calls


def test_labels_permuted_within_the_six_groups_call_next_to_nothing():
    counts, samples = kept_genes("gse60450")
    rng = np.random.default_rng(0)
    group = samples.cell_type + "_" + samples.status
    calls, small = [], []
    for _ in range(10):
        labels = pd.Series("a", index=samples.index)
        for name in group.unique():
            labels[rng.choice(samples.index[group == name])] = "b"
        frame = pd.DataFrame({"group": group, "label": labels})
        table = run_deseq2(counts, frame, "~ group + label", ["label", "b", "a"]).table
        calls.append(called(table))
        small.append(float((table.pvalue < 0.05).mean()))
    assert np.median(calls) <= 24 and np.mean(calls) <= 0.002 * len(counts), calls
    assert max(calls) <= 0.01 * len(counts) and np.mean(small) <= 0.05, (calls, small)
