"""BiAAE and its seven rivals by name, from one set of settings each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow_scripts.lib.errors import LatentomeError

from .biaae import BiAAE, BiAAEWeights
from .cvae import CVAE, CVAEWeights
from .jmvae import JMVAE, JMVAEWeights
from .paired import PairedModel, View
from .saae import SAAE, SAAEWeights
from .uniaae import UniAAE, UniAAEWeights
from .vcca import VCCAPrivate, VCCAWeights
from .vib import VIB, VIBWeights

TITLES = {
    "biaae": "BiAAE",
    "uniaae": "UniAAE",
    "saae": "SAAE",
    "latent_saae": "latent SAAE",
    "cvae": "CVAE",
    "jmvae": "JMVAE",
    "vcca": "VCCA-private",
    "vib": "VIB",
}
"""Names as figures have them."""


def build(name: str, x: View, y: View, settings: Mapping[str, Any]) -> PairedModel:
    """Make a model with fresh weights, drawn from torch's global generator.

    Parameters
    ----------
    name
        One of `TITLES`.
    x, y
        View to be generated, and the condition.
    settings
        ``latent``; ``shared`` of BiAAE, UniAAE and VCCA-private; ``private`` and ``condition`` of the SAAEs;
        ``weights`` by name, those left out as in the paper's MNIST experiment; ``prior_mean_counts`` of the CVAE;
        ``decoded`` of BiAAE.

    Raises
    ------
    LatentomeError
        If there is no such model or weight.
    """
    if name not in TITLES:
        raise LatentomeError(f"model {name!r} is not known; expected one of {', '.join(TITLES)}")
    weights = dict(settings.get("weights") or {})
    makers = {
        "biaae": lambda: BiAAE(
            x,
            y,
            settings["latent"],
            settings["shared"],
            BiAAEWeights(**weights),
            settings.get("decoded", "both"),
        ),
        "uniaae": lambda: UniAAE(x, y, settings["latent"], settings["shared"], UniAAEWeights(**weights)),
        "saae": lambda: SAAE(
            x, y, settings["private"], settings["condition"], SAAEWeights(**weights), decodes_y=False
        ),
        "latent_saae": lambda: SAAE(
            x, y, settings["private"], settings["condition"], SAAEWeights(**weights), decodes_y=True
        ),
        "cvae": lambda: CVAE(
            x, y, settings["latent"], CVAEWeights(**weights), settings.get("prior_mean_counts", True)
        ),
        "jmvae": lambda: JMVAE(x, y, settings["latent"], JMVAEWeights(**weights)),
        "vcca": lambda: VCCAPrivate(x, y, settings["latent"], settings["shared"], VCCAWeights(**weights)),
        "vib": lambda: VIB(x, y, settings["latent"], VIBWeights(**weights)),
    }
    try:
        return makers[name]()
    except KeyError as error:
        raise LatentomeError(
            f"molecules: models: {name}: {error} is missing; expected the keys of config.yaml's block"
        ) from None
    except TypeError as error:
        raise LatentomeError(
            f"molecules: models: {name}: weights: {error}; expected names as in config.yaml"
        ) from None
