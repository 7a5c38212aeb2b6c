"""The L1000 study's plan: what the config asks of each data set, and where the results lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

VAES = ("vae", "vae_linear", "vae_published")
CODED = ("svqvae", "svqvae_published")
PUBLISHED_EPOCHS = {"vae_epochs": 300, "svqvae_epochs": 900}
"""What the paper trained: Xue, Ding & Lu (2020)."""
MNIST_EPOCHS, MNIST_IMAGES = 25, 60_000
SPLITS = ("signature", "compound", "held_out", "cell_line")
FIGURES = (
    *("dataset_overview", "expression_pca", "signature_training", "reconstruction", "signature_nodes"),
    *("latent_heatmap", "generated_vs_real", "model_architectures"),
)
CLASS_FIGURES = ("class_generation", "class_prediction", "code_assignment")


@dataclass(frozen=True)
class L1000Dataset:
    """One data set of the L1000 study: signatures, the MNIST tutorial's images, or the published weights alone.

    Attributes
    ----------
    name
        Its name.
    block
        Its block of the config.
    study
        The config's ``l1000``.
    weights
        Published models that the source can give whole, such as ``weights_svqvae``.
    """

    name: str
    block: Mapping[str, Any]
    study: Mapping[str, Any]
    weights: Iterable[str] = field(default=())

    @property
    def folder(self) -> str:
        """Folder of its results."""
        return f"results/l1000/{self.name}"

    @property
    def simulated(self) -> bool:
        """Whether its signatures are simulated; figures then say so."""
        return bool(self.block.get("simulated", False))

    @property
    def kind(self) -> str:
        """``signatures``, ``images`` or ``weights``."""
        return "images" if "images" in self.block else "signatures" if "sources" in self.block else "weights"

    @property
    def has_classes(self) -> bool:
        """Whether its perturbagens have classes."""
        return bool(self.block.get("classes"))

    @property
    def has_targets(self) -> bool:
        """Whether it has drugs, their targets and knock-downs."""
        return bool(self.block.get("drug_targets"))

    @property
    def min_signatures(self) -> int:
        """Signatures that a class must have to be predicted or generated."""
        return self.block.get("min_signatures", self.study["classification"]["min_signatures"])

    @property
    def training(self) -> dict[str, Any]:
        """Settings of all its models, its own on top."""
        groups = ("vae", "svqvae", "published", "mnist")
        return {name: {**self.study[name], **self.block.get(name, {})} for name in groups}

    @property
    def trained(self) -> list[str]:
        """Models trained on it."""
        return [*VAES, *(CODED if self.has_classes else ())]

    def seeds(self, model: str) -> list[int]:
        """Seeds of a model."""
        if model == "vae":
            return self.block.get("seeds", self.study["seeds"])
        return self.training["published"]["seeds"] if "published" in model else self.study["rival_seeds"]

    def of_seeds(self, model: str, file: str) -> list[str]:
        """One file of every seed of a trained model."""
        return [f"{self.folder}/models/{model}/seed{seed}/{file}" for seed in self.seeds(model)]

    def of_models(self, file: str) -> list[str]:
        """One file of every trained model and seed."""
        return [path for model in self.trained for path in self.of_seeds(model, file)]

    def first_of_models(self, file: str) -> list[str]:
        """One file of the first seed of every trained model."""
        return [self.of_seeds(model, file)[0] for model in self.trained]

    @property
    def used_weights(self) -> list[str]:
        """Published models that are run on it: those it names, if they are there whole."""
        named = [f"weights_{name}" for name in self.block.get("weights", [])]
        return [name for name in named if name in set(self.weights)]

    @property
    def converted(self) -> list[str]:
        """Converted weights of these."""
        return [f"results/l1000/published/{name}/model.safetensors" for name in self.used_weights]

    @property
    def vaes(self) -> list[str]:
        """Weights of every VAE, seed and published VAE."""
        own = [path for model in VAES for path in self.of_seeds(model, "model.safetensors")]
        return own + [path for path in self.converted if "svqvae" not in path]

    @property
    def coded(self) -> list[str]:
        """Weights of every S-VQ-VAE."""
        models = CODED if self.has_classes else ()
        own = [path for model in models for path in self.of_seeds(model, "model.safetensors")]
        return own + [path for path in self.converted if "svqvae" in path]

    @property
    def every_model(self) -> list[str]:
        """Weights of all of these."""
        return [*self.vaes, *self.coded]

    @property
    def networks(self) -> list[str]:
        """Models whose codes make a network of classes."""
        if self.kind == "weights":
            return ["weights_svqvae"]
        return list(CODED) if self.has_classes else []

    @property
    def note(self) -> str:
        """What was reduced from the paper, for the figures; empty if nothing was."""
        found = self.training
        if self.kind == "images":
            epochs, images = found["mnist"]["epochs"], found["mnist"]["images"] or MNIST_IMAGES
            parts = [f"{epochs} of {MNIST_EPOCHS} epochs"] if epochs < MNIST_EPOCHS else []
            parts += [f"{images:,} of {MNIST_IMAGES:,} images"] if images < MNIST_IMAGES else []
        elif self.kind == "signatures":
            models = {"vae_epochs": "VAE", "svqvae_epochs": "S-VQ-VAE"}
            parts = [
                f"{found['published'][key]} of {epochs} epochs of the published {models[key]}"
                for key, epochs in PUBLISHED_EPOCHS.items()
                if found["published"][key] < epochs and (key == "vae_epochs" or self.has_classes)
            ]
        else:
            parts = []
        return f"Reduced from the paper: {', '.join(parts)}" if parts else ""

    @property
    def figures(self) -> list[str]:
        """Names of its figures."""
        if self.kind == "images":
            return ["mnist_codes"]
        networks = [f"network_{form}_{model}" for model in self.networks for form in ("heatmap", "graph")]
        if self.kind == "weights":
            return ["published_units", "decoded_classes", *networks]
        names = [*FIGURES, *(CLASS_FIGURES if self.has_classes else ()), *networks]
        names += ["code_assignment"] if self.coded and not self.has_classes else []
        names += ["drug_targets"] if self.has_targets else []
        return names + (["programmes"] if self.block.get("truth") else [])

    @property
    def tables(self) -> list[str]:
        """Tables that are no figure's input."""
        networks = [f"{self.folder}/network/{model}/graph.graphml" for model in self.networks]
        return networks + ([f"{self.folder}/unmatched.tsv"] if self.kind == "signatures" else [])

    @property
    def classification(self) -> list[str]:
        """Tables of class prediction, one a split."""
        return [f"{self.folder}/classification/{split}.tsv" for split in SPLITS]

    @property
    def claim_inputs(self) -> dict[str, list[str]]:
        """Tables that the audit of the published claims reads; those that the data set has."""
        if self.kind == "weights":
            edges = f"{self.folder}/network/weights_svqvae/edges.tsv"
            return {"units": [f"{self.folder}/units.tsv"], "edges": [edges]}
        if self.kind == "images":
            return {}
        found = {
            name: [f"{self.folder}/{name}.tsv"] for name in ("reconstruction", "latent_units", "generated")
        }
        if self.has_classes:
            found |= {
                name: [f"{self.folder}/{name}.tsv"]
                for name in ("class_generation", "classification", "codes")
            }
            found["edges"] = [f"{self.folder}/network/svqvae/edges.tsv"]
        if self.has_targets:
            found |= {name: [f"{self.folder}/{name}.tsv"] for name in ("targets", "target_drugs")}
        return found
