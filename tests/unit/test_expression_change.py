"""Scores and simple predictors of expression changes; mutual information and probes on cases with known answers."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.kernel_ridge import KernelRidge

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.metrics.expression_change import (
    gene_correlation,
    mean_by_molecule,
    r_squared,
    replicate_agreement,
    row_correlation,
    well_scores,
)
from workflow_scripts.lib.metrics.mutual_information import (
    Budget,
    information,
    probe_accuracy,
    probe_r_squared,
)
from workflow_scripts.lib.models.expression_coders import ExpressionDecoder, ExpressionEncoder, scaled_dose
from workflow_scripts.lib.stats.expression_predictors import PREDICTORS, RIDGE


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_wells_are_scored_by_the_definitions(rng):
    predicted, measured = rng.normal(size=(2, 7, 100))
    found = well_scores(predicted, measured)
    np.testing.assert_allclose(
        found.l2, [np.linalg.norm(a - b) for a, b in zip(predicted, measured, strict=True)]
    )
    np.testing.assert_allclose(found.rmse, found.l2 / 10)
    expected = [stats.pearsonr(a, b)[0] for a, b in zip(predicted, measured, strict=True)]
    np.testing.assert_allclose(found.pearson, expected)
    np.testing.assert_allclose(
        gene_correlation(predicted, measured),
        [stats.pearsonr(predicted[:, g], measured[:, g])[0] for g in range(100)],
    )
    top = [set(np.argsort(-np.abs(some[0]))[:50]) for some in (predicted, measured)]
    same = np.sign(predicted[0]) == np.sign(measured[0])
    assert found.recall[0] == sum(same[gene] for gene in top[0] & top[1]) / 50
    # naming no gene is as good as chance, in size and in direction
    assert (well_scores(np.zeros((7, 100)), measured).recall == 0.25).all()


def test_a_constant_prediction_has_no_correlation(rng):
    measured = rng.normal(size=(3, 60))
    assert (well_scores(np.zeros((3, 60)), measured).pearson == 0).all()
    assert (well_scores(np.full((3, 60), 0.1), measured).pearson == 0).all()


def test_scores_refuse_what_does_not_fit(rng):
    with pytest.raises(LatentomeError, match="same wells"):
        well_scores(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(LatentomeError, match="not finite"):
        well_scores(np.full((2, 3), np.nan), np.zeros((2, 3)))


def test_explained_variance_is_against_the_training_mean(rng):
    measured, mean = rng.normal(size=(20, 5)), rng.normal(size=5)
    assert r_squared(np.tile(mean, (20, 1)), measured, mean) == 0
    assert r_squared(measured, measured, mean) == 1


def test_replicates_give_the_ceiling(rng):
    truth, names = np.repeat(rng.normal(size=(400, 50)), 2, axis=0), np.repeat(np.arange(400).astype(str), 2)
    measured = truth + rng.normal(size=truth.shape)
    found = replicate_agreement(measured, names)
    assert found["pairs"] == 400
    # var 1 shared, 1 own each
    assert found["pearson"] == pytest.approx(0.5, abs=0.02)
    assert found["rmse"] == pytest.approx(math.sqrt(2), rel=0.02)
    # the truth itself comes as near as that, and no nearer
    assert found["ceiling_pearson"] == pytest.approx(row_correlation(truth, measured).mean(), abs=0.02)
    assert found["ceiling_rmse"] == pytest.approx(well_scores(truth, measured).rmse.mean(), rel=0.02)
    assert math.isnan(replicate_agreement(measured[:3], ["a", "b", "c"])["l2"])
    np.testing.assert_allclose(mean_by_molecule(np.array([1.0, 3, 5]), ["a", "a", "b"]), [2, 5])


def test_simple_predictors(rng):
    prints, wanted = rng.random((60, 64)) < 0.2, rng.random((9, 64)) < 0.2
    changes = rng.normal(size=(60, 11))
    found = {name: predict(prints, changes, wanted) for name, predict in PREDICTORS.items()}
    assert (found["zero"] == 0).all()
    np.testing.assert_allclose(found["train_mean"][3], changes.mean(axis=0))
    assert all(value.shape == (9, 11) for value in found.values())
    # scikit-learn's on the same kernel, about the means
    x, mean = prints - prints.mean(axis=0), changes.mean(axis=0)
    reference = KernelRidge(alpha=RIDGE, kernel="linear").fit(x, changes - mean)
    np.testing.assert_allclose(
        found["kernel_ridge"], reference.predict(wanted - prints.mean(axis=0)) + mean, rtol=1e-8
    )
    # one neighbour that is the molecule itself, all others unlike: its own change
    alone = np.zeros((16, 64), dtype=bool)
    alone[0, :5] = True
    alone[1:, 10:12] = True
    near = PREDICTORS["nearest_molecules"](alone, changes[:16], alone[:1])
    np.testing.assert_allclose(near[0], changes[0])
    nothing = np.zeros((1, 64), dtype=bool)
    np.testing.assert_allclose(
        PREDICTORS["nearest_molecules"](prints, changes, nothing)[0], changes.mean(axis=0)
    )


def test_a_signal_in_the_molecules_is_found(rng):
    prints = rng.random((400, 64)) < 0.3
    weights = rng.normal(size=(64, 20))
    changes = prints @ weights + 0.1 * rng.normal(size=(400, 20))
    errors = {
        name: well_scores(predict(prints[:300], changes[:300], prints[300:]), changes[300:]).rmse.mean()
        for name, predict in PREDICTORS.items()
    }
    assert errors["train_mean"] < errors["zero"]
    assert errors["kernel_ridge"] < errors["train_mean"]


def test_dose_scale_and_network_sizes():
    np.testing.assert_allclose(scaled_dose([10, 0.04, 3.33]), [1.0, 0.01636, 0.6112], atol=5e-5)
    assert count(ExpressionEncoder(978, 20)) == 303_764
    assert count(ExpressionDecoder(20, 978)) == 140_051


@pytest.mark.parametrize(("rho", "nats"), [(0.8, 0.511), (0.0, 0.0)])
def test_information_of_correlated_gaussians(rng, rho, nats):
    x = rng.normal(size=(12_000, 1))
    y = rho * x + math.sqrt(1 - rho**2) * rng.normal(size=x.shape)
    found = information((x[:8000], y[:8000]), (x[8000:], y[8000:]), 0, Budget(steps=1500, hidden=64))
    assert nats == pytest.approx(-0.5 * math.log(1 - rho**2), abs=1e-3)
    assert found == pytest.approx(nats, abs=0.03)


def test_information_about_ten_classes_is_capped_by_their_entropy(rng):
    digit = rng.integers(0, 10, 9000)
    code = np.eye(10)[digit] + 0.05 * rng.normal(size=(9000, 10))
    view = np.eye(10)[digit] @ rng.normal(size=(10, 12)) + 0.3 * rng.normal(size=(9000, 12))
    whole = information(
        (view[:6000], code[:6000]), (view[6000:], code[6000:]), 0, Budget(steps=800, hidden=64)
    )
    assert 1.9 < whole <= math.log(10) + 0.01
    shuffled = rng.permutation(code)
    none = information(
        (view[:6000], shuffled[:6000]), (view[6000:], shuffled[6000:]), 0, Budget(steps=800, hidden=64)
    )
    assert abs(none) < 0.02
    with pytest.raises(LatentomeError, match="batches of 256"):
        information((view[:100], code[:100]), (view, code), 0, Budget())


def test_a_pixel_that_training_never_lights_changes_nothing(rng):
    x = rng.normal(size=(4000, 1))
    y = 0.8 * x + 0.6 * rng.normal(size=x.shape)
    view = np.hstack([x, np.zeros((4000, 3))])
    view[3500:, 1] = 0.5
    budget = Budget(steps=50, hidden=32)
    found = information((view[:2500], y[:2500]), (view[2500:], y[2500:]), 0, budget)
    # fewer steps than are looked at by turns: the last one is
    assert 0.1 < found < 0.6


def test_probes_find_what_is_linear(rng):
    digit = rng.integers(0, 10, 2000)
    code = np.eye(10)[digit] + 0.1 * rng.normal(size=(2000, 10))
    assert probe_accuracy(code, digit, 0) > 0.99
    assert probe_accuracy(rng.permutation(code), digit, 0) == pytest.approx(0.1, abs=0.04)
    angle = code @ rng.normal(size=10) + 0.01 * rng.normal(size=2000)
    assert probe_r_squared(code, angle, 0) > 0.99
    assert probe_r_squared(rng.normal(size=(2000, 4)), angle, 0) < 0.05
