"""From spots and their neighbours to a trained Gaussian-mixture VGAE, its posterior and its rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.mixture import GaussianMixture

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.metrics.held_out_counts import thin_counts
from workflow_scripts.lib.models.gmm_vgae import GMMVGAE, GMMVGAEShape

from .loop import fit
from .seeds import derive_seed
from .settings import FitResult, TrainingSettings
from .spot_rates import ModelRates
from .spot_scores import SpotScores, fit_scores, winsorise
from .spots import SpotObjective

VALIDATION_SHARE = 0.1
"""Of each UMI: held out of training to decide when to stop."""
LOADING_LIMIT = 3.0
MIXTURE_SPOTS = 20_000
FEWEST_SPOTS = 10
POSTERIOR_BLOCK = 8192


@dataclass(frozen=True)
class SpotModel:
    """A trained model.

    Attributes
    ----------
    network
        On the CPU.
    hops
        Numbers of hops of its encoder.
    """

    network: GMMVGAE
    hops: tuple[int, ...]

    @property
    def scores(self) -> SpotScores:
        """How it sees counts."""
        net = self.network
        return SpotScores(
            float(net.score_depth), net.score_centre.double().numpy(), net.score_components.double().numpy()
        )

    def posterior(
        self, observed: sparse.csr_matrix | np.ndarray, graph: sparse.csr_matrix
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and log variance of each spot's latent variables, float32 [spots x latent] each; nothing is drawn."""
        if self.network.shape.likelihood == "features":
            observed = winsorise(np.asarray(observed))
        scores = torch.from_numpy(self.scores.of_neighbourhoods(observed, graph, self.hops))
        with torch.no_grad():
            parts = [self.network.encode(part) for part in scores.split(POSTERIOR_BLOCK)]
        return torch.cat([part[0] for part in parts]).numpy(), torch.cat([part[1] for part in parts]).numpy()

    def rates(self, counts: sparse.csr_matrix, graph: sparse.csr_matrix) -> ModelRates:
        """Rates of spots, worked out a block at a time."""
        mean, log_variance = self.posterior(counts, graph)
        return ModelRates(self.network, mean, log_variance)


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
    held_out = None
    if counts:
        observed, held_out, places = _thinned(sparse.csr_matrix(observed), derive_seed(seed, "validation"))
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
    network.cpu()
    if counts:
        _reorder_genes(network, places)
    return SpotModel(network, hops), result


def _check(observed: Any, settings: Mapping[str, Any], label: str) -> None:
    spots, genes = observed.shape
    if spots < FEWEST_SPOTS:
        raise LatentomeError(f"{label}: {spots} spots; expected at least {FEWEST_SPOTS}; check the filters")
    if genes <= settings["latent"] or spots <= settings["latent"]:
        raise LatentomeError(
            f"{label}: {genes} genes in {spots} spots, but {settings['latent']} latent dimensions; expected more of "
            "both; lower config key spatial: gmm_vgae: latent, or that of the dataset's block"
        )


def _thinned(counts: sparse.csr_matrix, seed: int) -> tuple[sparse.csr_matrix, sparse.csr_matrix, np.ndarray]:
    """Hold out a tenth of the UMIs; both parts have the genes in an order that follows from their counts alone.

    So neither the draws nor the rounding of sums over genes, which training amplifies, depend on the order given. The
    third is the place of each gene in it.
    """
    # A random sum over spots tells genes apart by their counts; genes of the same counts share their draws.
    weights = np.random.default_rng(seed).integers(0, 2**63, counts.shape[0], dtype=np.uint64)
    _, first, kind = np.unique(counts.T.astype(np.uint64) @ weights, return_index=True, return_inverse=True)
    order = np.argsort(kind, kind="stable")
    train, held_out = (part[:, kind[order]] for part in thin_counts(counts[:, first], VALIDATION_SHARE, seed))
    for part in (train, held_out):
        part.sort_indices()
    return train, held_out, np.argsort(order)


def validation_split(counts: sparse.csr_matrix, seed: int) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Training and validation part of counts as `train_spot_model` splits them with a seed; genes as given."""
    train, held_out, places = _thinned(sparse.csr_matrix(counts), derive_seed(seed, "validation"))
    return train[:, places], held_out[:, places]


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


def architecture(model: SpotModel) -> dict[str, Any]:
    """Return what `restore` needs beside the weights, for the model card."""
    return {**model.network.shape.as_dict(), "hop_counts": list(model.hops)}


def restore(state: Mapping[str, torch.Tensor], card: Mapping[str, Any], where: str) -> SpotModel:
    """Rebuild a trained model from its weights and card.

    Parameters
    ----------
    state
        Weights by name.
    card
        With ``architecture``.
    where
        Path of the card, for the error.

    Raises
    ------
    LatentomeError
        If the card has no architecture of this model, or the weights do not fit it.
    """
    try:
        sizes = dict(card["architecture"])
        hops = tuple(sizes.pop("hop_counts"))
        network = GMMVGAE(GMMVGAEShape(**sizes), torch.Generator().manual_seed(0))
        network.load_state_dict(dict(state))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise LatentomeError(
            f"{where}: the weights are not those of a GMM-VGAE ({reason}); expected the card and "
            "weights of rule train_spots; train the model anew, or mend config key pretrained"
        ) from None
    return SpotModel(network.eval(), hops)
