"""Decoy genes: nothing but noise and depth, and each gene beside those of its abundance."""

import numpy as np
from scipy import sparse, stats

from workflow_scripts.lib.stats.decoy_genes import SIMILAR, decoy_counts, of_similar


def test_decoys_have_the_same_share_everywhere():
    rng = np.random.default_rng(0)
    counts = sparse.csr_matrix(1 + rng.poisson(rng.gamma(2, 2, (3000, 1)) * np.ones(40)))
    shares = np.array([0.2, 0.01])
    decoys = decoy_counts(counts, shares, 0)
    assert decoys.shape == (3000, 2) and decoys.dtype == np.int32
    mean = np.asarray(counts.sum(axis=1)) * shares
    # Pearson's statistic of a Poisson with a known mean
    found = ((decoys.toarray() - mean) ** 2 / mean).sum(axis=0)
    assert (np.abs(stats.norm.ppf(stats.chi2.sf(found, 3000))) < 4).all()
    assert (decoys != decoy_counts(counts, shares, 0)).nnz == 0
    assert (decoys != decoy_counts(counts, shares, 1)).nnz > 0


def test_a_gene_stands_beside_decoys_of_its_abundance():
    shares = np.geomspace(1e-6, 1e-1, 101)[::-1]
    values = np.log(shares)
    values[3] = np.nan
    found = of_similar(values, shares, np.array([1e-7, 1e-4, 1.0, 0.0]))
    least = np.sort(values[np.isfinite(values)])
    assert found[0] == found[3] == np.mean(least[:SIMILAR])
    np.testing.assert_allclose(found[2], np.mean(least[-SIMILAR:]))
    np.testing.assert_allclose(found[1], np.log(1e-4), atol=0.15)
    assert np.isnan(of_similar(np.full(5, np.nan), shares[:5], shares)).all()
    assert of_similar(np.ones(3), shares[:3], shares).tolist() == [1.0] * 101
