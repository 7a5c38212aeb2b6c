"""Domains: agreement on labelled spots, the linear baseline on planted layers, the mixture against R's mclust."""

import subprocess

import numpy as np
import pytest
from sklearn.metrics import (
    adjusted_rand_score,
    completeness_score,
    homogeneity_score,
    normalized_mutual_info_score,
)

from workflow_scripts.lib.data.neighbours import neighbour_graph, shuffled
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.metrics import domains
from workflow_scripts.lib.metrics.domains import (
    agreement,
    choose_components,
    k_means,
    leiden_domains,
    mixture,
    smoothed_features,
    smoothed_mixture,
)


@pytest.fixture(scope="module")
def layers():
    """30 x 30 hexagons in 4 layers; 12 features, weak beside their noise; a few wild values."""
    generator = np.random.default_rng(0)
    row, column = np.divmod(np.arange(900), 30)
    xy = np.column_stack([column + row % 2 / 2, row * np.sqrt(3) / 2])
    label = np.minimum(row // 8, 3)
    features = generator.normal(0, 1, (900, 12)) + generator.normal(0, 0.7, (4, 12))[label]
    features[generator.integers(0, 900, 10), generator.integers(0, 12, 10)] = 80
    return features.astype(np.float32), neighbour_graph(xy, {}), label


def test_agreement_is_scikit_learns_on_labelled_spots():
    generator = np.random.default_rng(0)
    truth, found = generator.integers(0, 4, 200), generator.integers(0, 5, 200)
    found[:120] = truth[:120]
    labels = np.array([f"L{t}" for t in truth], dtype=object)
    labels[150:175], labels[175:] = None, np.nan
    scores = agreement(labels, found)
    expected = {
        "ari": adjusted_rand_score, "nmi": normalized_mutual_info_score, "homogeneity": homogeneity_score,
        "completeness": completeness_score,
    }  # fmt: skip
    assert scores.pop("spots") == 150
    assert scores == {
        name: pytest.approx(score(truth[:150], found[:150])) for name, score in expected.items()
    }


def test_unlabelled_spots_have_no_say():
    labels, found = np.array(["a", "a", "b", "b", None, None], dtype=object), np.array([0, 0, 1, 1, 0, 1])
    assert agreement(labels, found)["ari"] == 1
    assert agreement(labels, found) == agreement(labels, np.array([0, 0, 1, 1, 7, 8]))
    with pytest.raises(LatentomeError, match="no spot is labelled"):
        agreement([None, np.nan], [0, 1])
    with pytest.raises(LatentomeError, match="6 labels and 5 domains"):
        agreement(labels, found[:5])


def test_features_are_winsorised_smoothed_and_reduced(layers):
    features, graph, _ = layers
    found = smoothed_features(features, graph, seed=0, hops=0, components=12)
    assert found.shape == (900, 12)
    middle = np.median(features, axis=0)
    sd = 1.4826 * np.median(np.abs(features - middle), axis=0)
    clipped = np.clip(features, middle - 4 * sd, middle + 4 * sd)
    ours, theirs = (x @ x.T for x in (found, clipped - clipped.mean(axis=0)))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)
    spread = [np.var(smoothed_features(features, graph, 0, hops), axis=0).sum() for hops in (0, 1, 4)]
    assert spread[0] > spread[1] > spread[2]
    sparse_feature = np.where(np.arange(900)[:, None] % 10 == 0, features, 0)
    assert smoothed_features(sparse_feature, graph, 0).std() > 0


def test_smoothing_finds_layers_that_spots_alone_do_not_show(layers):
    features, graph, label = layers
    with_places = agreement(label, smoothed_mixture(features, graph, 4, seed=0))["ari"]
    alone = agreement(label, smoothed_mixture(features, graph, 4, seed=0, hops=0))["ari"]
    wrong_places = agreement(label, smoothed_mixture(features, shuffled(graph, 0), 4, seed=0))["ari"]
    smooth = smoothed_features(features, graph, 0)
    assert with_places > 0.8 > alone + 0.1 and wrong_places < 0.2
    assert agreement(label, k_means(smooth, 4, seed=0))["ari"] > 0.7
    assert agreement(label, leiden_domains(smooth, seed=0, k=4))["ari"] > 0.6


@pytest.mark.parametrize("method", [
    lambda x, seed: mixture(x, 4, seed), lambda x, seed: k_means(x, 4, seed), lambda x, seed: leiden_domains(x, seed),
])  # fmt: skip
def test_a_seed_gives_the_same_domains(layers, method):
    smooth = smoothed_features(layers[0], layers[1], 0)
    found = method(smooth, 3)
    assert found.dtype == np.int32 and found.shape == (900,)
    np.testing.assert_array_equal(found, method(smooth, 3))


@pytest.mark.parametrize("k", [2, 4, 7])
def test_leiden_comes_to_the_number_asked_for(layers, k):
    found = leiden_domains(smoothed_features(layers[0], layers[1], 0), seed=0, k=k)
    assert found.max() + 1 == k and len(np.unique(found)) == k


def test_the_number_of_components_is_that_of_the_data():
    generator = np.random.default_rng(0)
    centres = generator.normal(0, 6, (3, 5))
    features = generator.normal(0, 1, (300, 5)) + np.repeat(centres, 100, axis=0)
    assert choose_components(features, range(1, 8), seed=0) == 3
    assert choose_components(features[:100], range(1, 5), seed=0) == 1
    with pytest.raises(LatentomeError, match="no candidate from 1 to 300"):
        choose_components(features, [400], seed=0)


@pytest.mark.needs_r
def test_the_mixture_is_mclusts_eee_from_the_same_start(tmp_path):
    generator = np.random.default_rng(0)
    k, width = 4, 6
    features = generator.multivariate_normal(np.zeros(width), np.eye(width) + 0.5, 500)
    features += generator.normal(0, 1.5, (k, width))[generator.integers(0, k, 500)]
    start = k_means(features, k, seed=0)
    np.savetxt(tmp_path / "x.csv", features, delimiter=",", fmt="%.17g")
    np.savetxt(tmp_path / "z.csv", np.eye(k)[start], delimiter=",")
    script = """
    suppressMessages(library(mclust))
    x <- as.matrix(read.csv("x.csv", header = FALSE)); z <- as.matrix(read.csv("z.csv", header = FALSE))
    fit <- me(data = x, modelName = "EEE", z = z, control = emControl(tol = c(1e-14, 1e-14), itmax = 20000))
    cat(sprintf("%.12f", fit$loglik), "\n")
    write.table(fit$z, "found.csv", sep = ",", row.names = FALSE, col.names = FALSE)
    """
    done = subprocess.run(["Rscript", "-e", script], check=True, cwd=tmp_path, capture_output=True, text=True)
    theirs = float(done.stdout.split()[-1])
    means = np.stack([features[start == c].mean(axis=0) for c in range(k)])
    within = features - means[start]
    model = domains._mixture(features, k, seed=0, starts=1).set_params(
        weights_init=np.bincount(start) / 500, means_init=means, tol=1e-13, max_iter=20_000, reg_covar=0,
        precisions_init=np.linalg.inv(within.T @ within / 500),
    ).fit(features)  # fmt: skip
    assert 500 * model.score(features) == pytest.approx(theirs, rel=1e-6)
    responsibilities = np.loadtxt(tmp_path / "found.csv", delimiter=",")
    np.testing.assert_allclose(model.predict_proba(features), responsibilities, atol=1e-3)
    assert model.bic(features) == pytest.approx(
        -2 * theirs + np.log(500) * (k - 1 + k * width + width * (width + 1) / 2)
    )
