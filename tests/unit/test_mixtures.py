"""EM against scikit-learn's, and its log density against scipy's."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from workflow_scripts.lib.stats import mixtures


def test_em_climbs_to_the_optimum_of_scikit_learn(monkeypatch):
    generator = np.random.default_rng(0)
    points = np.concatenate([
        generator.multivariate_normal(mean, covariance, size)
        for mean, covariance, size in (
            ((0, 0), ((1, 0.6), (0.6, 1)), 400), ((5, 0), ((0.2, 0), (0, 2)), 300), ((0, 6), np.eye(2) / 4, 200)
        )
    ])  # fmt: skip
    monkeypatch.setattr(mixtures, "ROUNDS", 200)
    monkeypatch.setattr(mixtures, "RIDGE", 1e-6)
    oracle = GaussianMixture(3, n_init=10, random_state=0, tol=1e-10, max_iter=1000).fit(points)
    expected = oracle.predict_proba(points).T
    for mixture in mixtures.fit_mixtures(points, 3, [0, 1]):
        found = mixtures.responsibilities(mixtures.density_terms(points), mixture)
        order = linear_sum_assignment(expected @ found.T, maximize=True)[1]
        np.testing.assert_allclose(expected, found[order], atol=1e-4)


def test_the_log_density_is_that_of_a_weighted_normal():
    generator = np.random.default_rng(0)
    points = generator.normal(size=(60, 3))
    share = generator.dirichlet(np.ones(2), size=60)
    mixture = mixtures._maximised(share.T @ mixtures.density_terms(points).T, 3)
    for component in range(2):
        weight = share[:, component]
        mean = np.average(points, axis=0, weights=weight)
        covariance = np.cov(points.T, aweights=weight, ddof=0) + mixtures.RIDGE * np.eye(3)
        expected = multivariate_normal(mean, covariance).logpdf(points) + np.log(weight.mean())
        got = mixture[component] @ mixtures.density_terms(points) - 1.5 * np.log(2 * np.pi)
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_points_far_outside_leave_every_covariance_definite():
    rng = np.random.default_rng(0)
    points = np.vstack([rng.normal(size=(5000, 3)), 120 + 0.01 * rng.normal(size=(3, 3))])
    fitted = mixtures.fit_mixtures(points, 4, range(20))
    first, second = np.triu_indices(3)
    precision = np.empty((20, 4, 3, 3))
    # The coefficients of the products are minus the precisions, halved for squares.
    products = -fitted[..., 4:] * np.where(first == second, 2, 1)
    precision[..., first, second] = precision[..., second, first] = products
    assert (np.linalg.eigvalsh(precision) > 0).all()
