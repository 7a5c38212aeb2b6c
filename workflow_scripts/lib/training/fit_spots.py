"""From spots and their neighbours to a trained Gaussian-mixture VGAE, its posterior and its rates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.mixture import GaussianMixture

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.gmm_vgae import GMMVGAE, GMMVGAEShape
from workflow_scripts.lib.stats.rate_baselines import blocks

from .loop import fit
from .seeds import derive_seed
from .settings import FitResult, TrainingSettings
from .spot_model import SpotModel
from .spot_scores import SpotScores, fit_scores, winsorise
from .spots import SpotObjective
from .validation_counts import ordered_split

LOADING_LIMIT = 3.0
MIXTURE_SPOTS = 20_000
FEWEST_SPOTS = 10
MATCHING_PASSES = 2


def train_spot_model(
    observed: sparse.csr_matrix | np.ndarray,
    graph: sparse.csr_matrix,
    settings: Mapping[str, Any],
    seed: int,
    *,
    device: str = "auto",
    compute_threads: int = 1,
    checkpoint_dir: Path | None = None,
    log_dir: Path | None = None,
    label: str = "gmm_vgae",
) -> tuple[SpotModel, FitResult]:
    """Train on counts, of which a tenth is held out to decide when to stop; or on stored features.

    Parameters
    ----------
    observed
        Counts, CSR int [spots x genes], or features, float [spots x features].
    graph
        Neighbours, CSR [spots x spots].
    settings
        Of the config: `spatial: gmm_vgae`; ``components`` null is chosen by BIC.
    seed
        Of the held-out tenth, weights, EM's start, order and noise.
    device, compute_threads, checkpoint_dir, log_dir, label
        As `loop.fit` takes them.

    Raises
    ------
    LatentomeError
        If there are too few spots, or not more genes than latent dimensions.
    """
    torch.set_num_threads(compute_threads)
    _check(observed, settings, label)
    counts = sparse.issparse(observed)
    hops = tuple(settings["hops"])
    whole, held_out = observed, None
    if counts:
        observed, held_out, places = ordered_split(sparse.csr_matrix(observed), seed)
    else:
        observed = winsorise(np.asarray(observed))
    how = fit_scores(observed, settings["rank"], derive_seed(seed, "components"))
    scores = how.of_neighbourhoods(observed, graph, hops)
    network = _started(observed, how, scores, settings, seed, counts)
    objective = SpotObjective(network, scores, observed, held_out, graph, settings)
    result = fit(
        objective,
        TrainingSettings(
            epochs=settings["epochs"],
            batch_size=settings["batch_size"],
            seed=seed,
            device=device,
            compute_threads=compute_threads,
            patience=settings["patience"] if counts else None,
            keep_best=True,
            min_delta=settings["min_delta"],
            validate_every=settings["validate_every"],
        ),
        checkpoint_dir=checkpoint_dir,
        log_dir=log_dir,
        label=label,
    )
    model = SpotModel(network.cpu(), hops)
    if counts:
        _reorder_genes(network, places)
        match_gene_totals(model, whole, graph)
    return model, result


def _check(observed: Any, settings: Mapping[str, Any], label: str) -> None:
    spots, genes = observed.shape
    if spots < FEWEST_SPOTS:
        raise LatentomeError(f"{label}: {spots} spots; expected at least {FEWEST_SPOTS}; check the filters")
    if genes <= settings["latent"] or spots <= settings["latent"]:
        raise LatentomeError(
            f"{label}: {genes} genes in {spots} spots, but {settings['latent']} latent dimensions; expected more of "
            "both; lower config key spatial: gmm_vgae: latent, or that of the dataset's block"
        )


@torch.no_grad()
def match_gene_totals(model: SpotModel, counts: sparse.csr_matrix, graph: sparse.csr_matrix) -> None:
    """Set the decoder's offsets so that the expected counts of each gene add up to its observed ones.

    At the optimum of the likelihood they do; the UMIs held out to know when to stop, minibatches and the stop itself
    leave a few percent.

    Parameters
    ----------
    model
        Changed in place.
    counts
        CSR int [spots x genes], all that training was given.
    graph
        Neighbours, CSR [spots x spots].
    """
    seen = torch.from_numpy(np.asarray(counts.sum(axis=0), dtype=np.float64).ravel())
    depth = torch.from_numpy(np.asarray(counts.sum(axis=1), dtype=np.float32).ravel())
    mean, log_variance = (torch.from_numpy(values) for values in model.posterior(counts, graph))
    for _ in range(MATCHING_PASSES):
        expected = torch.zeros_like(seen)
        for start, stop in blocks(counts.shape):
            rates = model.network.posterior_rates(mean[start:stop], log_variance[start:stop])
            expected += depth[start:stop] @ rates
        # A gene without counts keeps a rate: it is taken for half a UMI.
        ratio = torch.where(seen > 0, seen / expected, 0.5 / (expected + 0.5))
        model.network.offset.add_(ratio.log().float())


@torch.no_grad()
def _reorder_genes(network: GMMVGAE, places: np.ndarray) -> None:
    """Make gene k of the network the one that was gene `places[k]`."""
    index = torch.from_numpy(places)
    for values in (network.loadings, network.offset, network.log_noise, network.score_centre):
        values.copy_(values[..., index])
    network.score_components.copy_(network.score_components[index])


def _started(
    observed: Any, how: SpotScores, scores: np.ndarray, settings: Mapping[str, Any], seed: int, counts: bool
) -> GMMVGAE:
    """Network at its start: components for the encoder, one Fisher step for the decoder, EM for the prior."""
    genes, latent = observed.shape[1], settings["latent"]
    rank = scores.shape[2]
    components = settings["components"]
    mean = scores[:, :, : min(latent, rank)].mean(axis=1)
    scale = mean.std(axis=0)
    mean = mean / np.maximum(scale, 1e-6)
    rows = np.arange(len(mean))
    if len(rows) > MIXTURE_SPOTS:
        rows = np.sort(
            np.random.default_rng(derive_seed(seed, "mixture")).choice(rows, MIXTURE_SPOTS, replace=False)
        )
    mixture = fit_mixture(mean[rows], components, derive_seed(seed, "mixture"))
    shape = GMMVGAEShape(
        inputs=rank, hops=scores.shape[1], outputs=genes, latent=latent, components=mixture.n_components,
        hidden=settings["hidden"], likelihood="counts" if counts else "features",
    )  # fmt: skip
    network = GMMVGAE(shape, torch.Generator().manual_seed(derive_seed(seed, "weights")))
    with torch.no_grad():
        network.loading_sd.fill_(settings["loading_sd"])
        network.score_depth.fill_(how.depth)
        network.score_centre.copy_(torch.from_numpy(how.centre))
        network.score_components.copy_(torch.from_numpy(how.components))
        network.projection[:, : len(scale)] /= torch.from_numpy(np.maximum(scale, 1e-6))
        place = slice(0, mean.shape[1])
        network.prior_means[:, place] = torch.from_numpy(mixture.means_).float()
        network.prior_log_variances[:, place] = torch.from_numpy(np.log(mixture.covariances_)).float()
        network.prior_logits.copy_(torch.from_numpy(np.log(mixture.weights_ + 1e-12)).float())
        offset, loadings = (_count_start if counts else _feature_start)(
            observed, mean, settings["loading_sd"]
        )
        network.offset.copy_(torch.from_numpy(offset))
        network.loadings[place] = torch.from_numpy(loadings).float()
    return network


def _count_start(counts: sparse.csr_matrix, mean: np.ndarray, sd: float) -> tuple[np.ndarray, np.ndarray]:
    """Offsets: log share of each gene; loadings: one Fisher scoring step of a Poisson ridge about it."""
    depth = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    share = np.asarray(counts.sum(axis=0), dtype=np.float64).ravel() + 0.5
    share /= share.sum()
    score = (counts.T @ mean).T - (mean * depth[:, None]).sum(axis=0)[:, None] * share
    information = (mean.astype(np.float64) ** 2 * depth[:, None]).sum(axis=0)[:, None] * share
    return np.log(share), np.clip(score / (information + 1 / sd**2), -LOADING_LIMIT, LOADING_LIMIT)


def _feature_start(features: np.ndarray, mean: np.ndarray, sd: float) -> tuple[np.ndarray, np.ndarray]:
    """Offsets: means; loadings: least squares."""
    centre = features.mean(axis=0)
    return centre, np.linalg.lstsq(mean.astype(np.float64), features - centre, rcond=None)[0]


def fit_mixture(mean: np.ndarray, components: int | None, seed: int) -> GaussianMixture:
    """Mixture of Gaussians with diagonal covariances by EM; the number of components by BIC if it is None.

    Parameters
    ----------
    mean
        Shape [spots x latent].
    components
        Number, or None for the best of 1 to 12 by BIC.
    seed
        Of k-means, EM's start.
    """
    values = mean.astype(np.float64)
    choices = range(1, min(12, len(values)) + 1) if components is None else [min(components, len(values))]
    fits = [
        GaussianMixture(
            k, covariance_type="diag", reg_covar=1e-3, n_init=1, max_iter=200, random_state=seed
        ).fit(values)
        for k in choices
    ]
    return min(fits, key=lambda found: found.bic(values)) if len(fits) > 1 else fits[0]
