"""The spatial study's plan: what the config asks of each data set, and where the results lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FIGURES = (
    *("tissue_overview", "training_curves", "held_out_likelihood", "count_calibration", "masked_protocol"),
    *("imputability", "spatial_autocorrelation", "spatial_patterns", "stacked_violins", "marker_heatmap"),
    *("spatial_domains", "clustering_after_imputation"),
)
FEATURE_FIGURES = ("tissue_overview", "spatial_domains", "domain_agreement")
PUBLISHED_EPOCHS = {"pretraining_epochs": 1000, "epochs": 50}
"""What the published code trains."""


@dataclass(frozen=True)
class SpatialDataset:
    """One data set of the spatial study: counts of spots, or stored features of spots.

    Attributes
    ----------
    name
        Its name.
    block
        Its block of the config.
    study
        The config's ``spatial``.
    """

    name: str
    block: Mapping[str, Any]
    study: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """Folder of its results."""
        return f"results/spatial/{self.name}"

    @property
    def simulated(self) -> bool:
        """Whether its counts are simulated; figures then say so."""
        return bool(self.block.get("simulated", False))

    @property
    def kind(self) -> str:
        """``counts`` or ``features``."""
        return "features" if self.block["spots"]["format"] == "features" else "counts"

    @property
    def has_labels(self) -> bool:
        """Whether its spots have an annotation."""
        own = self.block["spots"].get("label")
        return self.kind == "features" or bool(own or self.block.get("labels"))

    @property
    def as_published(self) -> bool:
        """Whether the published network is run on it."""
        return bool(self.block.get("as_published", False))

    @property
    def model(self) -> dict[str, Any]:
        """Settings of the GMM-VGAE: the study's, those for stored features if it has them, its own on top."""
        of_features = self.study["features"] if self.kind == "features" else {}
        return {**self.study["gmm_vgae"], **of_features, **self.block.get("gmm_vgae", {})}

    @property
    def published(self) -> dict[str, Any]:
        """Settings of the published network."""
        own = self.block.get("published", {})
        return {**self.study["published"], **own}

    @property
    def graph(self) -> dict[str, Any]:
        """How its neighbours are found."""
        own = self.block.get("graph", {})
        # A radius or a number of neighbours says which kind is meant.
        meant = next(({"kind": kind} for key, kind in (("radius", "radius"), ("k", "knn")) if key in own), {})
        return {**self.study["graph"], **meant, **own}

    @property
    def domains(self) -> int | dict[str, int] | None:
        """Number of domains, or one a section; None: as many as there are labels, or chosen by BIC."""
        return self.block.get("domains")

    @property
    def seeds(self) -> list[int]:
        """Seeds of the model and of the domains; without an annotation to score them by, only the first one."""
        found = self.block.get("seeds", self.study["seeds"])
        return found if self.has_labels else found[:1]

    @property
    def held_out_seeds(self) -> list[int]:
        """Seeds of the held-out counts and of the models that predict them."""
        return self.block.get("held_out_seeds", self.study["held_out_seeds"])

    def of_seeds(self, file: str) -> list[str]:
        """One file of every trained seed."""
        return [f"{self.folder}/models/gmm_vgae/seed{seed}/{file}" for seed in self.seeds]

    @property
    def held_out(self) -> list[str]:
        """Tables of held-out scores: ours with the baselines, and scVI's."""
        return [f"{self.folder}/held_out/seed{seed}.tsv" for seed in self.held_out_seeds] + [
            f"{self.folder}/held_out/scvi_seed{seed}.tsv" for seed in self.study["rival_seeds"]
        ]

    def of_held_out(self, name: str) -> list[str]:
        """Tables of a name, one a held-out seed."""
        return [f"{self.folder}/held_out/{name}_seed{seed}.tsv" for seed in self.held_out_seeds]

    @property
    def domain_tables(self) -> list[str]:
        """Tables of domains, one a seed."""
        return [f"{self.folder}/domains/seed{seed}.tsv" for seed in self.seeds]

    @property
    def domain_scores(self) -> list[str]:
        """Their agreement with the annotation, one a seed."""
        return [f"{self.folder}/domains/scores_seed{seed}.tsv" for seed in self.seeds]

    @property
    def domain_changes(self) -> list[str]:
        """Clustering before and after imputation, one a seed."""
        return [f"{self.folder}/domains/after_seed{seed}.tsv" for seed in self.seeds]

    @property
    def by_section(self) -> bool:
        """Whether each section is modelled and divided into domains by itself: stored features are."""
        return self.kind == "features"

    @property
    def note(self) -> str:
        """What was reduced from the paper, for the figures; empty if nothing was."""
        if not self.as_published:
            return ""
        found = self.published
        parts = [
            f"{found[key]} of {epochs} {words} of the published network"
            for key, epochs, words in (
                ("pretraining_epochs", PUBLISHED_EPOCHS["pretraining_epochs"], "pre-training epochs"),
                ("epochs", PUBLISHED_EPOCHS["epochs"], "epochs"),
            )
            if found[key] < epochs
        ]
        return f"Reduced from the paper: {', '.join(parts)}" if parts else ""

    @property
    def figures(self) -> list[str]:
        """Names of its figures."""
        if self.kind == "features":
            return list(FEATURE_FIGURES)
        names = list(FIGURES)
        names += ["domain_agreement"] if self.has_labels else []
        names += ["published_matrix"] if self.as_published else []
        names += ["scaling"] if self.block.get("scaling") else []
        return names + (["planted_truth"] if self.block.get("truth") else [])

    @property
    def tables(self) -> list[str]:
        """Results that are no figure's input."""
        return [f"{self.folder}/imputed.h5ad"] if self.kind == "counts" else []

    @property
    def claim_inputs(self) -> dict[str, list[str]]:
        """Tables that the audit of the published claims reads; those that the data set has."""
        found = {"domains": [f"{self.folder}/domains.tsv"]} if self.has_labels else {}
        if self.kind == "counts":
            names = ("verdict", "autocorrelation", "after_imputation", "masked")
            found |= {name: [f"{self.folder}/{name}.tsv"] for name in names}
        if self.as_published:
            found["findings"] = [f"{self.folder}/published/findings.tsv"]
        return found
