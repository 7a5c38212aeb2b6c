"""The simulator's counts have the truth that it writes beside them."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from workflow_scripts.lib.data import simulate_counts as module
from workflow_scripts.lib.data.simulate_counts import simulate_counts
from workflow_scripts.lib.stats.size_factors import median_of_ratios


@pytest.fixture(scope="module")
def simulated():
    return simulate_counts(2000, 6, 0.1, seed=1)


@pytest.fixture(scope="module")
def many():
    """Many samples and no batch, so that group means show the truth."""
    return simulate_counts(300, 150, 0.2, seed=2, batch=False)


def test_shapes_and_names(simulated):
    counts, samples, truth = simulated.counts, simulated.samples, simulated.truth
    assert counts.shape == (2000, 12) and (counts.dtypes == np.int64).all() and counts.to_numpy().min() >= 0
    assert counts.index.tolist() == truth.gene_id.tolist() and counts.columns.equals(pd.Index(samples.index))
    assert counts.index.is_unique and truth.symbol.is_unique
    assert samples.groupby(["condition", "batch"]).size().tolist() == [3] * 4


def test_share_of_affected_genes_is_exact(simulated):
    lfc = simulated.truth.true_lfc
    assert (lfc != 0).sum() == 200
    assert lfc[lfc != 0].std() == pytest.approx(module.EFFECT_SD, rel=0.2)


def test_seed_gives_the_same_counts(simulated):
    again, other = simulate_counts(2000, 6, 0.1, seed=1), simulate_counts(2000, 6, 0.1, seed=2)
    pd.testing.assert_frame_equal(again.counts, simulated.counts)
    pd.testing.assert_frame_equal(again.truth, simulated.truth)
    assert again.gene_sets == simulated.gene_sets and not other.counts.equals(simulated.counts)


def test_group_means_show_the_true_fold_change(many):
    counts = many.counts.to_numpy()
    normalised = counts / median_of_ratios(counts + 1)
    treated = (many.samples.condition == "treated").to_numpy()
    seen = np.log2(normalised[:, treated].mean(axis=1) + 1e-9) - np.log2(
        normalised[:, ~treated].mean(axis=1) + 1e-9
    )
    well = (many.truth["mean"] > 50).to_numpy()
    error = (seen - many.truth.true_lfc)[well]
    assert abs(np.median(error)) < 0.05 and error.std() < 0.15
    assert np.corrcoef(seen[well], many.truth.true_lfc[well])[0, 1] > 0.97


def test_variance_is_negative_binomial(many):
    """Within a group, the index of dispersion of null genes is 1 + alpha mean, on average over genes."""
    counts = many.counts.to_numpy()
    normalised = counts / median_of_ratios(counts + 1)
    control = normalised[:, (many.samples.condition == "control").to_numpy()]
    truth = many.truth
    null = ((truth.true_lfc == 0) & (truth["mean"] > 20)).to_numpy()
    mean, variance = control.mean(axis=1)[null], control.var(axis=1, ddof=1)[null]
    alpha = (variance - mean) / mean**2
    ratio = np.log(np.maximum(alpha, 1e-4) / truth.dispersion.to_numpy()[null])
    assert abs(np.median(ratio)) < 0.1 and np.percentile(np.abs(ratio), 80) < 0.5


def test_dispersions_scatter_around_the_trend(simulated):
    truth = simulated.truth
    trend = module.TREND_ASYMPTOTE + module.TREND_EXTRA_POISSON / truth["mean"]
    residual = np.log(truth.dispersion / trend)
    assert abs(residual.mean()) < 0.06
    low, high = chi2.ppf([1e-4, 1 - 1e-4], 1999) / 1999 * module.TREND_VARIANCE
    assert low < residual.var(ddof=1) < high


def test_batch_shifts_its_genes_and_only_them(simulated):
    shift = simulated.truth.batch_lfc
    assert 0.4 < (shift != 0).mean() < 0.6 and shift[shift != 0].std() == pytest.approx(
        module.BATCH_SD, rel=0.15
    )
    assert (simulate_counts(300, 3, 0.1, seed=1, batch=False).truth.batch_lfc == 0).all()
    assert simulate_counts(300, 3, 0.1, seed=1, batch=False).samples.batch.nunique() == 1
    log_counts = np.log2(simulated.counts / median_of_ratios(simulated.counts.to_numpy()) + 0.5)
    in_b = (simulated.samples.batch == "b").to_numpy()
    seen = log_counts.loc[:, in_b].mean(axis=1) - log_counts.loc[:, ~in_b].mean(axis=1)
    well = (simulated.truth["mean"] > 200).to_numpy()
    assert np.corrcoef(seen[well], shift[well])[0, 1] > 0.6


def test_symbols_tell_the_direction(simulated):
    truth = simulated.truth.set_index("symbol").true_lfc
    up, down = truth[truth.index.str.startswith("Up")], truth[truth.index.str.startswith("Down")]
    assert (up > 0).all() and (down < 0).all() and len(up) + len(down) == 200
    assert (truth[truth.index.str.startswith("Gene")] == 0).all()
    assert min(truth["Up1"], -truth["Down1"]) > 1, "the first symbols are the markers"


def test_planted_sets_are_enriched(simulated):
    truth = simulated.truth.set_index("gene_id").true_lfc
    names = list(simulated.gene_sets)
    assert len(names) == len(set(names)) == 2 * 6 + 20 * 6
    for name, genes in simulated.gene_sets.items():
        assert set(genes) <= set(truth.index) and len(set(genes)) == len(genes)
        share = (truth[genes] > 0.5).mean() if name.endswith("_UP") else (truth[genes] < -0.5).mean()
        if "RANDOM" in name:
            assert (truth[genes] != 0).mean() < 0.5
        else:
            assert share > 0.3, name


@pytest.mark.parametrize("replicates", [2, 3])
def test_few_replicates_keep_both_batches_in_both_groups(replicates):
    samples = simulate_counts(200, replicates, 0.1, seed=0).samples
    assert (samples.groupby("condition").batch.nunique() == 2).all()
