"""The published GMM-VGAE's clusters, and what its choice of an epoch by the labels gains."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, v_measure_score
from sklearn.mixture import GaussianMixture

COMPONENTS, VOTERS, MCLUST_SEED = 27, 50, 2020
SHUFFLES = 100


def majority_vote(labels: np.ndarray, positions: np.ndarray, voters: int = VOTERS) -> np.ndarray:
    """Commonest label of each spot's nearest other spots; of equally common ones that of the nearest spot.

    Parameters
    ----------
    labels
        Int [spots], from 0.
    positions
        Shape [spots x 2].
    voters
        Neighbours that vote, at most all others.
    """
    order = np.argsort(cdist(positions, positions), axis=1, kind="stable")[:, 1 : voters + 1]
    votes = labels[order]
    counts = np.stack([(votes == label).sum(axis=1) for label in range(labels.max() + 1)], axis=1)
    first = np.take_along_axis(counts, votes, axis=1).argmax(axis=1)
    return votes[np.arange(len(votes)), first]


def cluster_spots(z: np.ndarray, positions: np.ndarray, clusters: int) -> np.ndarray:
    """PCA(27), Gaussian mixture with one covariance for all components, majority vote; int [spots].

    scikit-learn's mixture stands for R's mclust EEE: the same model, but started by k-means where mclust starts
    by hierarchical clustering.

    Parameters
    ----------
    z
        Shape [spots x latent].
    positions
        Shape [spots x 2].
    clusters
        Components.
    """
    reduced = PCA(min(COMPONENTS, *z.shape), random_state=0).fit_transform(z.astype(np.float64))
    mixture = GaussianMixture(clusters, covariance_type="tied", random_state=MCLUST_SEED)
    return majority_vote(mixture.fit_predict(reduced), positions)


def own_labels(features: np.ndarray, positions: np.ndarray, clusters: int) -> np.ndarray:
    """The "ground truth" that the published code makes itself where there is none: PCA(20), mixture, vote of 60.

    Parameters
    ----------
    features
        Shape [spots x genes].
    positions, clusters
        As in `cluster_spots`.
    """
    reduced = PCA(min(20, *features.shape), random_state=42).fit_transform(features.astype(np.float64))
    mixture = GaussianMixture(clusters, covariance_type="tied", random_state=MCLUST_SEED)
    return majority_vote(mixture.fit_predict(reduced), positions, 60)


def epoch_aris(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Adjusted Rand index of each epoch on the labelled spots, float [epochs]; see `epoch_scores`."""
    known = labels >= 0
    return np.array([adjusted_rand_score(labels[known], found[known]) for found in predicted])


def epoch_scores(predicted: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """``ari`` and ``nmi`` of each epoch on the labelled spots, ``ari_published`` on all.

    Parameters
    ----------
    predicted
        Clusters, int [epochs x spots].
    labels
        Classes, int [spots], -1 where unlabelled; published, those count as class 0 (Layer_1).
    """
    known = labels >= 0
    return pd.DataFrame(
        {
            "ari": epoch_aris(predicted, labels),
            "nmi": [v_measure_score(labels[known], found[known]) for found in predicted],
            "ari_published": epoch_aris(predicted, np.maximum(labels, 0)),
        }
    )


def published_epoch(scores: pd.DataFrame) -> int | None:
    """Place of the epoch whose result is returned: the first of the highest published ARI.

    None if no ARI is above 0, where the published code ends in an error.
    """
    best = int(scores.ari_published.to_numpy().argmax())
    return best if scores.ari_published[best] > 0 else None


def selection_findings(
    predicted: np.ndarray, labels: np.ndarray, seed: int, circular: bool = False
) -> list[tuple]:
    """Rows of findings: ARI of the epoch chosen by labels, of the others, and what meaningless labels gain.

    Parameters
    ----------
    predicted, labels
        As in `epoch_scores`.
    seed
        Of the shuffles of the labels.
    circular
        Whether the labels are `own_labels`, with which no score says anything of the tissue.
    """
    scores = epoch_scores(predicted, labels)
    ari, chosen = scores.ari.to_numpy(), published_epoch(scores)
    rng = np.random.default_rng(seed)
    shuffled = np.array([epoch_aris(predicted, rng.permutation(labels)) for _ in range(SHUFFLES)])
    best = shuffled.argmax(axis=1)
    note = f"highest ARI against {'clusters of its own input' if circular else 'the labels'}"
    if chosen is None:
        chosen = len(ari) - 1
        note = "published: error, no epoch has an ARI above 0; the last epoch is used"
    change = scores.ari_published[chosen] - ari[chosen]
    return [
        ("selected_epoch", chosen + 1, "no labels used", note),
        ("ari_selected_epoch", ari[chosen], "", "as the authors report it, but on labelled spots alone"),
        ("ari_last_epoch", ari[-1], "", "no selection"),
        ("ari_mean_epoch", ari.mean(), "", "an epoch drawn at random"),
        ("ari_gain_of_selection", ari[chosen] - ari.mean(), "0", "selected epoch less the mean epoch"),
        (
            "ari_shuffled_selected",
            shuffled.max(axis=1).mean(),
            "0",
            f"{SHUFFLES} shuffled labels, each selecting",
        ),
        ("ari_shuffled_last", shuffled[:, -1].mean(), "0", "the same shuffled labels, last epoch"),
        (
            "ari_gain_of_selection_shuffled",
            (shuffled.max(axis=1) - shuffled.mean(axis=1)).mean(),
            "0",
            "gain from selection alone, for these labels mean nothing",
        ),
        ("ari_selected_by_shuffled", ari[best].mean(), "", "true labels, epochs that shuffled labels select"),
        ("unlabelled_spots", int((labels < 0).sum()), "left out", "published: counted as Layer_1, class 0"),
        ("ari_change_by_unlabelled", change, "0", "selected epoch: with them as class 0, less without them"),
    ]
