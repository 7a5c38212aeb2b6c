"""Rates of the spatial model, their sd and calibration, against integration, dense algebra and planted truth."""

import numpy as np
import pytest
import torch
from scipy import integrate, sparse, stats
from spot_toys import SETTINGS, constant_rates, negative_binomial, network, posteriors, tissue

from workflow_scripts.lib.metrics.held_out_counts import thin_counts
from workflow_scripts.lib.metrics.rate_calibration import calibration_table
from workflow_scripts.lib.training import spot_rates
from workflow_scripts.lib.training.fit_spots import train_spot_model
from workflow_scripts.lib.training.spot_rates import (
    ModelRates,
    OwnRates,
    Residuals,
    Uncertainty,
    estimate_uncertainty,
    rates_with_sd,
    residuals,
)


@pytest.fixture
def random():
    """Rates of a random network with their counts."""
    mean, log_variance = posteriors(40, 3)
    made = network(outputs=12)
    rates = ModelRates(made, mean.numpy(), log_variance.numpy())
    counts = negative_binomial(200 * rates.block(0, 40), 0.3, 0)
    return rates, counts


def depths(counts):
    return np.asarray(counts.sum(axis=1), dtype=float).ravel()


def shares(genes, seed=0):
    found = np.random.default_rng(seed).uniform(0.5, 2, genes)
    return found / found.sum()


# given the spot's own counts


def test_own_rates_are_the_mean_of_the_gamma_posterior_by_integration(random):
    rates, counts = random
    dispersion = np.random.default_rng(1).uniform(0.05, 1.5, 12)
    found, shape = OwnRates(rates, counts, dispersion).with_shape(3, 6)
    expected = rates.block(3, 6)
    for row, column in ((0, 0), (1, 5), (2, 11), (2, 4)):
        spot, seen = 3 + row, counts[3 + row, column]
        depth = depths(counts)[spot]
        prior = stats.gamma(1 / dispersion[column], scale=dispersion[column] * expected[row, column])

        def density(rate, seen=seen, depth=depth, prior=prior):
            return stats.poisson.pmf(seen, depth * rate) * prior.pdf(rate)

        total, first, second = (
            integrate.quad(
                lambda rate, k=k: rate**k * density(rate), 0, 1, limit=400, points=[1e-3, 0.05, 0.2]
            )[0]
            for k in range(3)
        )
        mean = first / total
        assert found[row, column] == pytest.approx(mean, rel=1e-5)
        # a gamma's variance is mean^2 / shape
        assert found[row, column] ** 2 / shape[row, column] == pytest.approx(
            second / total - mean**2, rel=1e-4
        )


def test_own_rates_lie_between_the_model_and_the_spot(random):
    rates, counts = random
    expected, seen = rates.block(0, 40), counts.toarray() / depths(counts)[:, None]
    near, far = (OwnRates(rates, counts, np.full(12, phi)).with_shape(0, 40)[0] for phi in (1e-5, 1e4))
    np.testing.assert_allclose(near, expected, rtol=0.05)
    np.testing.assert_allclose(far, seen, atol=1e-3)
    whole = OwnRates(rates, counts, np.full(12, 0.3))
    block = whole.block(0, 40)
    assert whole.shape == (40, 12) and (block > 0).all() and np.allclose(block.sum(axis=1), 1, atol=1e-12)
    found = whole.with_shape(0, 40)[0]
    assert (found >= np.minimum(expected, seen) - 1e-9).all() and (
        found <= np.maximum(expected, seen) + 1e-9
    ).all()


# dispersion


def test_planted_dispersions_are_found():
    share, rng = shares(60), np.random.default_rng(0)
    planted = np.geomspace(0.05, 0.5, 60)[rng.permutation(60)]
    depth = 2000 * np.exp(rng.normal(0, 0.4, 6000))
    counts = negative_binomial(depth[:, None] * share, planted, 1)
    found = residuals(constant_rates(6000, share), counts).dispersion()
    assert np.abs(found / planted - 1).max() < 0.2
    poisson = sparse.csr_matrix(rng.poisson(depth[:, None] * share))
    assert residuals(constant_rates(6000, share), poisson).dispersion().max() < 0.01


def test_the_dispersion_of_a_rare_gene_is_the_pooled_one():
    share = np.r_[np.full(40, 1 / 40), 1e-7]
    counts = negative_binomial(np.full((800, 41), 1.0) * 1000 * share, 0.2, 2)
    found = residuals(constant_rates(800, share / share.sum()), counts).dispersion()
    assert found[-1] == pytest.approx(0.2, rel=0.1)
    more = residuals(constant_rates(800, share / share.sum()), counts).dispersion(16)
    assert more[-1] == pytest.approx(3.2, rel=0.1) and np.abs(more[:-1] / found[:-1] - 1).max() < 0.05
    low, high = spot_rates.DISPERSION_RANGE
    assert ((found >= low) & (found <= high)).all()


@pytest.mark.parametrize(("spots", "genes"), [(100, 50), (20_000, 3000), (60_000, 50), (1_000_000, 2000)])
def test_blocks_are_all_spots_or_spread_over_the_tissue(spots, genes):
    found = spot_rates.some_blocks((spots, genes))
    places = np.concatenate([np.arange(*bounds) for bounds in found])
    assert len(np.unique(places)) == len(places) == min(spots, 20_000)
    # no tenth of the spots is left out
    share = np.histogram(places, 10, (0, spots))[0] / len(places)
    assert len(found) == 1 or share.min() > 0.05
    assert max(stop - start for start, stop in found) * genes <= 2 * 2**20 or genes == 50


# the sd


def test_loading_factors_are_of_the_inverse_of_the_dense_information(random):
    rates, counts = random
    known = estimate_uncertainty(rates, counts)
    z = np.c_[rates.mean, np.ones(40)].astype(float)
    mean = rates.block(0, 40) * depths(counts)[:, None]
    prior = np.diag(np.r_[rates.network.loading_sd.numpy().astype(float) ** -2, 1e-3])
    for gene in range(12):
        weight = mean[:, gene] / (1 + known.dispersion[gene] * mean[:, gene])
        covariance = np.linalg.inv(z.T @ np.diag(weight) @ z + prior)
        factor = known.loading_factors[gene].astype(float)
        np.testing.assert_allclose(factor @ factor.T, covariance, rtol=1e-3, atol=1e-7)
        assert (np.triu(factor, 1) == 0).all()


def test_variance_through_the_latent_variables_is_that_of_dense_algebra(random):
    rates, counts = random
    dispersion = np.random.default_rng(1).uniform(0.05, 1, 12)
    known = Uncertainty(Residuals(np.zeros(12), np.ones(12)), dispersion, np.zeros((12, 4, 4), np.float32))
    rate, sd = (part.astype(float) for part in rates_with_sd(rates, known, depths(counts), 0, 40))
    loadings = rates.network.loadings.detach().double().numpy()
    for spot in range(40):
        # d log softmax / dz
        jacobian = loadings.T - rate[spot] @ loadings.T
        mean = depths(counts)[spot] * rate[spot]
        weight = mean / (1 + dispersion * mean)
        covariance = np.linalg.inv(np.eye(3) + jacobian.T @ np.diag(weight) @ jacobian)
        variance = np.diag(jacobian @ covariance @ jacobian.T)
        np.testing.assert_allclose(np.log1p((sd[spot] / rate[spot]) ** 2), variance, rtol=2e-3, atol=1e-6)


def test_variances_of_latent_variables_and_loadings_add_up(random):
    rates, counts = random
    known = estimate_uncertainty(rates, counts)
    none = Uncertainty(known.residuals, known.dispersion, np.zeros_like(known.loading_factors))
    rate, both = rates_with_sd(rates, known, depths(counts), 0, 40)
    _, latent = rates_with_sd(rates, none, depths(counts), 0, 40)
    z = np.c_[rates.mean, np.ones(40)]
    covariance = np.einsum("gij,gkj->gik", known.loading_factors, known.loading_factors)
    loading = np.einsum("ni,gik,nk->ng", z, covariance, z)
    parts = np.log1p((latent / rate) ** 2) + loading
    np.testing.assert_allclose(np.log1p((both / rate) ** 2), parts, rtol=2e-3)
    assert both.dtype == rate.dtype == np.float32


def test_rates_do_not_depend_on_the_bounds_of_blocks(random):
    rates, counts = random
    known = estimate_uncertainty(rates, counts)
    own = OwnRates(rates, counts, known.dispersion)
    for whole, part in (
        (rates.block(0, 40), lambda a, b: rates.block(a, b)),
        (own.block(0, 40), lambda a, b: own.block(a, b)),
        *((rates_with_sd(rates, known, depths(counts), 0, 40)[k],
           lambda a, b, k=k: rates_with_sd(rates, known, depths(counts), a, b)[k]) for k in (0, 1)),
    ):  # fmt: skip
        joined = np.vstack([part(0, 1), part(1, 17), part(17, 40)])
        np.testing.assert_allclose(joined, whole, rtol=2e-5)
    assert rates.shape == (40, 12)


def test_the_sd_of_a_deeper_spot_is_smaller(random):
    rates, counts = random
    known = estimate_uncertainty(rates, counts)
    (_, few), (_, many) = (rates_with_sd(rates, known, np.full(40, depth), 0, 40) for depth in (100, 10_000))
    assert (many < few).all()


@pytest.fixture(scope="module")
def planted():
    made, counts, graph = tissue(400, 150, "visium")
    truth = made.rates[:, :150] / made.rates[:, :150].sum(axis=1, keepdims=True)
    settings = {**SETTINGS, "latent": 8, "rank": 15, "components": 6, "epochs": 60, "hidden": 32}
    return truth, counts, graph, settings


def test_intervals_of_the_rates_cover_the_planted_ones(planted):
    truth, counts, graph, settings = planted
    rates = train_spot_model(counts, graph, settings, 1, device="cpu")[0].rates(counts, graph)
    known = estimate_uncertainty(rates, counts)
    rate, sd = (part.astype(float) for part in rates_with_sd(rates, known, depths(counts), 0, 400))
    width = np.sqrt(np.log1p((sd / rate) ** 2))
    error = np.abs(np.log(truth) - np.log(rate))
    assert 0.85 < (error < stats.norm.ppf(0.95) * width).mean() < 0.95
    own = OwnRates(rates, counts, known.dispersion).block(0, 400)
    observed = counts.toarray() / depths(counts)[:, None]
    distance = [np.abs(part - truth).sum(axis=1).mean() for part in (rate, observed)]
    assert distance[0] < 0.6 * distance[1]
    likeness = [np.corrcoef(part.ravel(), truth.ravel())[0, 1] for part in (own, observed)]
    assert likeness[0] > max(0.95, likeness[1])


# calibration


def test_predictions_of_the_true_model_are_calibrated_and_the_gene_mean_is_not():
    rng, share = np.random.default_rng(3), shares(30)
    depth = 600 * np.exp(rng.normal(0, 0.5, 700))
    counts = negative_binomial(depth[:, None] * share, 0.4, 4)
    train, held_out = thin_counts(counts, 0.3, 0)
    own = OwnRates(constant_rates(700, share), train, np.full(30, 0.4))
    calibration, coverage = calibration_table(own, train, held_out, 0.3, 5)
    assert list(calibration) == ["method", "seed", "u", "ecdf", "deviation", "by_chance", "values"]
    assert list(coverage) == ["method", "seed", "level", "coverage", "expected", "counts"]
    deviation = calibration.groupby("method").deviation.first()
    assert deviation["gmm_vgae"] < 0.03 and deviation["gmm_vgae_expressed"] < 0.03
    assert deviation["gene_mean"] > 0.05
    ours = coverage[coverage.method == "gmm_vgae"]
    assert (ours.level.tolist() == [0.5, 0.8, 0.9, 0.95]) and (
        np.abs(ours.coverage - ours.expected) < 0.03
    ).all()
    poisson = coverage[coverage.method == "gene_mean"]
    assert (poisson.coverage < poisson.expected - 0.05).all()
    curve = calibration[calibration.method == "gmm_vgae"]
    assert (
        curve.u.is_monotonic_increasing
        and curve.ecdf.is_monotonic_increasing
        and (curve["values"] == 21_000).all()
    )
    again = calibration_table(own, train, held_out, 0.3, 5)
    assert all(one.equals(other) for one, other in zip((calibration, coverage), again, strict=True))


def test_calibration_without_expressed_genes_leaves_that_row_out():
    share = shares(20)
    counts = sparse.csr_matrix(np.random.default_rng(0).poisson(2 * np.tile(share, (60, 1))))
    train, held_out = thin_counts(counts, 0.1, 0)
    own = OwnRates(constant_rates(60, share), train, np.full(20, 0.1))
    with torch.no_grad():
        calibration, coverage = calibration_table(own, train, held_out, 0.1, 0)
    assert set(calibration.method) == {"gmm_vgae", "gene_mean"} and (coverage.counts == 0).all()
