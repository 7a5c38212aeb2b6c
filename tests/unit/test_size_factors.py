"""Size factors: closed form on small tables, and DESeq2's own on simulated ones."""

import numpy as np
import pytest
from de_toys import in_r, nb_counts, r_matrix, r_vector

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats.size_factors import median_of_ratios, poscounts, size_factors

R_SIZE_FACTORS = """
function(counts, type, control) {
  suppressMessages(library(DESeq2))
  columns <- data.frame(group = factor(rep(c("a", "b"), length.out = ncol(counts))))
  dds <- DESeqDataSetFromMatrix(counts, columns, ~ group)
  if (length(control) > 0) dds <- estimateSizeFactors(dds, type = type, controlGenes = as.integer(control))
  else dds <- estimateSizeFactors(dds, type = type)
  sizeFactors(dds)
}
"""


def of_r(counts, method, control=()):
    return in_r(R_SIZE_FACTORS, r_matrix(counts), method, r_vector(np.flatnonzero(control) + 1))


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(3)
    mean = np.exp(rng.normal(3, 2, 400))[:, None] * np.exp(rng.normal(0, 0.5, 7))
    return nb_counts(rng, mean, 0.2)


@pytest.fixture(scope="module")
def sparse():
    """Few counts above one: many genes whose counts are all 0 or 1, and no gene without a zero."""
    rng = np.random.default_rng(4)
    counts = nb_counts(rng, np.exp(rng.normal(0, 1.2, 400))[:, None] * np.exp(rng.normal(0, 0.6, 8)), 0.5)
    counts[np.arange(400), np.arange(400) % 8] = 0
    return counts


def test_closed_form():
    counts = np.array([[10, 20, 40], [5, 10, 20], [7, 14, 28], [0, 1000, 3]])
    np.testing.assert_allclose(median_of_ratios(counts), [0.5, 1, 2], rtol=1e-12)
    only_last = np.array([False, False, True, False])
    counts[2] = [9, 3, 1]
    np.testing.assert_allclose(median_of_ratios(counts, only_last), [3, 1, 1 / 3], rtol=1e-12)


@pytest.mark.needs_r
def test_ratio_is_that_of_deseq2(counts):
    np.testing.assert_allclose(median_of_ratios(counts), of_r(counts, "ratio"), rtol=1e-8)


@pytest.mark.needs_r
@pytest.mark.parametrize("method", ["ratio", "poscounts"])
def test_control_genes_are_those_of_deseq2(counts, method):
    control = np.random.default_rng(5).random(len(counts)) < 0.1
    expected = of_r(counts, method, control)
    assert np.abs(expected / of_r(counts, method) - 1).max() > 1e-3, "the control genes make no difference"
    np.testing.assert_allclose(size_factors(counts, method, control), expected, rtol=1e-8)


@pytest.mark.needs_r
def test_poscounts_is_that_of_deseq2(counts, sparse):
    for table in (counts, sparse):
        found = poscounts(table)
        np.testing.assert_allclose(found, of_r(table, "poscounts"), rtol=1e-8)
        assert np.log(found).mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.needs_r
def test_poscounts_counts_genes_of_single_reads():
    """A gene whose counts are all 0 or 1 has the geometric mean 1 in DESeq2 and enters the median."""
    counts = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [1, 1, 0, 0], [8, 0, 4, 2], [3, 6, 0, 9], [0, 5, 7, 0]])
    np.testing.assert_allclose(poscounts(counts), of_r(counts, "poscounts"), rtol=1e-8)


def test_zeros_everywhere_point_to_poscounts(sparse):
    with pytest.raises(LatentomeError, match="zero in at least one sample.*`size_factors: poscounts`"):
        size_factors(sparse, "ratio")
    assert np.isfinite(size_factors(sparse, "poscounts")).all()


def test_an_empty_sample_is_named():
    with pytest.raises(LatentomeError, match="sample number 2 has no count above zero"):
        poscounts(np.array([[1, 0, 3], [2, 0, 4]]))


def test_scaling_one_library_scales_its_factor(counts):
    before = median_of_ratios(counts)
    counts = counts.copy()
    counts[:, 2] *= 10
    ratio = median_of_ratios(counts) / before
    np.testing.assert_allclose(ratio[2] / ratio[0], 10, rtol=1e-9)
