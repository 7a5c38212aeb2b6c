"""How the NB-VAE and its published ancestor are trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from workflow_scripts.lib.models.latent import draw, kl_standard_normal
from workflow_scripts.lib.models.nbvae import NBVAE
from workflow_scripts.lib.models.nbvae_published import PublishedNBVAE, published_loss

from .objective import Objective


class NBVAEObjective(Objective):
    """Negative ELBO in sums, per count, with a KL warm-up and the priors of dispersion and loadings.

    Parameters
    ----------
    network
        The model.
    data
        ``counts`` and ``held_out`` [samples x genes]: the two parts of thinned counts; ``size_factors``
        [samples]; ``batch`` one-hot [samples x batches].
    fraction
        Share of the counts that are in ``counts``; the rest is in ``held_out``.
    learning_rate
        Of Adam.
    warm_up
        Epochs over which the weight of the KL grows from 0 to 1.
    loading_sd
        Standard deviation of the normal prior of the loadings, natural log.
    dispersion_sd
        Standard deviation of log alpha around its trend.
    """

    shares_batches = True

    def __init__(
        self,
        network: NBVAE,
        data: Mapping[str, Tensor],
        *,
        fraction: float,
        learning_rate: float,
        warm_up: int,
        loading_sd: float = 0.5,
        dispersion_sd: float = 1.0,
    ) -> None:
        super().__init__(network, data)
        self.model = network
        self.fraction, self.learning_rate, self.warm_up = fraction, learning_rate, warm_up
        self.loading_sd, self.dispersion_sd = loading_sd, dispersion_sd
        self.kl_weight = 1.0

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam on all parameters."""
        return {"adam": torch.optim.Adam(self.model.parameters(), lr=self.learning_rate)}

    def on_epoch(self, epoch: int) -> None:
        """KL warm-up."""
        self.kl_weight = min(1.0, (epoch + 1) / max(self.warm_up, 1))

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Loss per sample, a scalar: reconstruction and KL in nats, priors shared out over the samples."""
        counts, factors, batch = (self.rows(name, index) for name in ("counts", "size_factors", "batch"))
        mean, log_variance = self.model.encode(counts, factors * self.fraction, batch)
        latent = draw(mean, log_variance, rng)
        log_mean = self.model.decode(latent, batch) + torch.log(factors * self.fraction)[:, None]
        reconstruction = -self.model.log_prob(counts, log_mean).sum(dim=1).mean()
        kl = kl_standard_normal(mean, log_variance).sum(dim=1).mean()
        prior = self.penalty() / self.n_samples
        return {
            "loss": reconstruction + self.kl_weight * kl + prior,
            "reconstruction": reconstruction.detach(),
            "kl": kl.detach(),
            "prior": prior.detach(),
        }

    def penalty(self) -> Tensor:
        """Negative log prior of loadings, batch effects, dispersions and zero inflation, up to a constant; a scalar."""
        model = self.model
        total = 0.5 * (model.loadings**2).sum() / self.loading_sd**2 + 0.5 * (model.batch_effect**2).sum()
        total = total + 0.5 * ((model.log_dispersion - model.trend()) ** 2).sum() / self.dispersion_sd**2
        if model.zero_logit is not None:
            total = total + 0.5 * ((model.zero_logit + 4.0) ** 2).sum()
        return total

    def validate(self, rng: torch.Generator) -> dict[str, float]:
        """Negative log-likelihood of the held-out counts in nats per count, at the latent mean."""
        counts, factors, batch = (self.data[name] for name in ("counts", "size_factors", "batch"))
        mean, _ = self.model.encode(counts, factors * self.fraction, batch)
        log_mean = self.model.decode(mean, batch) + torch.log(factors * (1 - self.fraction))[:, None]
        held_out = self.data["held_out"]
        nll = -self.model.log_prob(held_out, log_mean).sum().double()
        return {"validation": float(nll / held_out.sum().double())}


class PublishedObjective(Objective):
    """The published training: full batch, Adam at 1e-4, noise from torch's global generator.

    The notebook draws in this order: one forward pass before training, the epochs, one forward pass for the fold
    changes; then its training and evaluation cells were run again.

    Parameters
    ----------
    network
        The published network.
    counts
        Raw counts, shape [samples x genes], genes in the order of the published table.
    log_size_factors
        Natural log, shape [samples x 1].
    numerator, denominator
        Samples of the two groups, bool [samples].
    snapshots
        Epochs after which the fold changes are taken.
    """

    def __init__(
        self,
        network: PublishedNBVAE,
        counts: Tensor,
        log_size_factors: Tensor,
        numerator: Tensor,
        denominator: Tensor,
        snapshots: Sequence[int],
    ) -> None:
        super().__init__(
            network,
            {"counts": counts, "log_counts": torch.log1p(counts), "log_size_factors": log_size_factors},
        )
        self.numerator, self.denominator = numerator, denominator
        self.snapshots = tuple(snapshots)
        self.lfc: dict[str, Tensor] = {}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam at 1e-4."""
        return {"adam": torch.optim.Adam(self.network.parameters(), lr=1e-4)}

    def on_epoch(self, epoch: int) -> None:
        """The notebook's forward passes before training and between its two runs."""
        if epoch == 0:
            self._log_mean()
        if epoch in self.snapshots:
            self.take(epoch)

    def take(self, epoch: int) -> None:
        """Keep the published fold change: natural log, one draw of z, size factors left in, shape [genes]."""
        log_mean = self._log_mean()
        difference = log_mean[self.numerator].mean(dim=0) - log_mean[self.denominator].mean(dim=0)
        self.lfc[str(epoch)] = difference.cpu()

    def _log_mean(self) -> Tensor:
        with torch.no_grad():
            return self.network(self.data["log_counts"], self.data["log_size_factors"])[0]

    def losses(self, turn: str, index: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """The published loss on the full batch, a scalar."""
        log_mean, mean, log_variance = self.network(self.data["log_counts"], self.data["log_size_factors"])
        return {"loss": published_loss(self.data["counts"], log_mean, mean, log_variance)}

    def state(self) -> dict[str, Tensor]:
        """Fold changes [genes] taken so far, by epoch."""
        return dict(self.lfc)

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take back `state`'s fold changes."""
        self.lfc = dict(state)
