"""The molecules study's plan: what the config asks of each data set, and where the results lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

IMAGE_FIGURES = ("image_samples", "conditional_generation", "latent_probes", "accuracy_curves")
PUBLISHED_EPOCHS, IMAGES = 300, 60_000
"""What the published code trains on Noisy MNIST."""


@dataclass(frozen=True)
class MoleculesDataset:
    """One data set of the molecules study: pairs of images.

    Attributes
    ----------
    name
        Its name.
    block
        Its block of the config.
    study
        The config's ``molecules``.
    """

    name: str
    block: Mapping[str, Any]
    study: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """Folder of its results."""
        return f"results/molecules/{self.name}"

    @property
    def simulated(self) -> bool:
        """Whether its data are simulated; figures then say so."""
        return bool(self.block.get("simulated", False))

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of its kind, its own on top."""
        return {**self.study["image_pairs"], **self.block.get("image_pairs", {})}

    @property
    def statistics(self) -> dict[str, float]:
        """What the views of its training pairs are known to be like, if all images are used."""
        return {} if self.settings["images"] else self.block.get("statistics", {})

    @property
    def models(self) -> list[str]:
        """Models that are trained on it."""
        return list(self.settings["models"])

    def model(self, name: str) -> dict[str, Any]:
        """Settings of a model: those of all, its own on top."""
        return {"architecture": name, **self.settings["training"], **self.settings["models"][name]}

    def seeds(self, model: str) -> list[int]:
        """Seeds of a model."""
        own = self.study["seeds"] if model == "biaae" else self.study["rival_seeds"]
        return self.block.get("seeds", own)

    def of_models(self, file: str) -> list[str]:
        """One file of every model and seed."""
        return [
            f"{self.folder}/models/{model}/seed{seed}/{file}"
            for model in self.models
            for seed in self.seeds(model)
        ]

    def first_of_models(self, file: str) -> list[str]:
        """One file of the first seed of every model."""
        return [f"{self.folder}/models/{model}/seed{self.seeds(model)[0]}/{file}" for model in self.models]

    @property
    def note(self) -> str:
        """What was reduced from the paper, for the figures; empty if nothing was."""
        epochs, images = self.settings["training"]["epochs"], self.settings["images"] or IMAGES
        parts = [f"{epochs} of {PUBLISHED_EPOCHS} epochs"] if epochs < PUBLISHED_EPOCHS else []
        parts += [f"{images:,} of {IMAGES:,} images"] if images < IMAGES else []
        return f"Reduced from the paper: {', '.join(parts)}" if parts else ""

    @property
    def figures(self) -> list[str]:
        """Names of its figures."""
        return list(IMAGE_FIGURES)

    @property
    def tables(self) -> list[str]:
        """Tables that are no figure's input."""
        return [f"{self.folder}/statistics.tsv"]
