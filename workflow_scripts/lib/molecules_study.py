"""The molecules study's plan: what the config asks of each data set, and where the results lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PAIR_FIGURES = (
    "pairs_overview", "smiles_pretraining", "pair_training", "expression_prediction", "molecule_generation",
    "molecule_grid",
)  # fmt: skip
IMAGE_FIGURES = ("image_samples", "conditional_generation", "latent_probes", "accuracy_curves")
PUBLISHED_EPOCHS, IMAGES, PAIR_EPOCHS = 300, 60_000, 400
"""What the published code trains on Noisy MNIST, and on molecules."""


@dataclass(frozen=True)
class MoleculesDataset:
    """One data set of the molecules study: pairs of images, or of molecules and expression changes.

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
    def kind(self) -> str:
        """``image_pairs`` or ``pairs``: which block of the config it follows."""
        return "image_pairs" if "images" in self.block else "pairs"

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of its kind, its own on top."""
        return {**self.study[self.kind], **self.block.get(self.kind, {})}

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

    def pair_models(self, direction: str) -> dict[str, dict[str, Any]]:
        """Models of a direction by name: all of the config, or those that ``only`` names."""
        models, only = self.settings["models"][direction], self.settings["only"]
        return {name: dict(own) for name, own in models.items() if only is None or name in only}

    def seeds(self, model: str) -> list[int]:
        """Seeds of a model."""
        own = self.study["seeds"] if model == "biaae" else self.study["rival_seeds"]
        return self.block.get("seeds", own)

    def pair_model(self, direction: str, name: str) -> dict[str, Any]:
        """Settings of a model of molecules and expression changes in one direction."""
        own = {
            key: value for key, value in self.settings.items() if key not in ("training", "models", "only")
        }
        models = self.pair_models(direction)
        return {"architecture": name, **own, **self.settings["training"], **models[name]}

    def of_pair_models(self, direction: str, file: str, first: bool = False) -> list[str]:
        """One file of every model and seed (or first seed) of a direction."""
        return [
            f"{self.folder}/{direction}/{model}/seed{seed}/{file}"
            for model in self.pair_models(direction)
            for seed in self.seeds(model)[: 1 if first else None]
        ]

    @property
    def wells(self) -> list[dict[str, Any]]:
        """Files of level-3 wells: ``file``, perhaps ``inst_info`` and ``constants``."""
        return list(self.block.get("wells", []))

    @property
    def ligands(self) -> dict[str, dict[str, str]]:
        """``ligands`` and ``knock_down`` files by target."""
        return dict(self.block.get("ligands", {}))

    @property
    def pair_note(self) -> str:
        """What the split is and what was reduced from the paper, for the figures."""
        epochs = self.settings["training"]["epochs"]
        parts = [
            f"Split by {self.settings['split']}",
            f"changes in {'z-scores' if 'level5' in self.block else 'log₂'}",
        ]
        parts += [f"at most {epochs} of {PAIR_EPOCHS} epochs"] if epochs < PAIR_EPOCHS else []
        return ", ".join(parts)

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
        epochs = sorted({self.model(name)["epochs"] for name in self.models})
        images = self.settings["images"] or IMAGES
        most = f"{epochs[0]} to {epochs[-1]}" if len(epochs) > 1 else str(epochs[0])
        parts = [f"{most} of {PUBLISHED_EPOCHS} epochs"] if epochs[0] < PUBLISHED_EPOCHS else []
        parts += [f"{images:,} of {IMAGES:,} images"] if images < IMAGES else []
        return f"Reduced from the paper: {', '.join(parts)}" if parts else ""

    @property
    def claim_inputs(self) -> dict[str, list[str]]:
        """Tables that the audit of the published claims reads, by name."""
        if self.kind == "image_pairs":
            return {"images": self.of_models("scores.tsv"), "ceilings": [f"{self.folder}/ceilings.tsv"]}
        found = {
            direction: [
                *self.of_pair_models(direction, "scores.tsv"),
                f"{self.folder}/{direction}/baselines.tsv",
            ]
            for direction in ("to_molecule", "to_expression")
        }
        found["smiles"] = ["results/molecules/smiles_vae/scores.tsv"]
        return {**found, **({"ligands": self.ligand_scores} if self.ligands else {})}

    @property
    def ligand_scores(self) -> list[str]:
        """Scores of the molecules that every model and seed generates for knock-downs."""
        return [
            f"{self.folder}/ligands/{model}/seed{seed}.tsv"
            for model in self.pair_models("to_molecule")
            for seed in self.seeds(model)
        ]

    @property
    def figures(self) -> list[str]:
        """Names of its figures."""
        if self.kind == "image_pairs":
            return list(IMAGE_FIGURES)
        return [*PAIR_FIGURES, *(["ligand_enrichment"] if self.ligands else [])]

    @property
    def tables(self) -> list[str]:
        """Tables that are no figure's input."""
        if self.kind == "image_pairs":
            return [f"{self.folder}/statistics.tsv"]
        # Simulated molecules are not MOSES', and the demo has no MOSES to compare with.
        names = ("splits", "left_out", *(() if self.simulated else ("pretraining_overlap",)))
        return [f"{self.folder}/{name}.tsv" for name in names]
