"""The bulk study's plan: what the config asks of each data set, and where the results lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_scripts.lib.stats.formula import parse_formula

RIVALS = ("nbvae_linear", "nbvae_zinb")
DRAWN = {"GO_BP": "enrichment_go", "KEGG": "enrichment_kegg"}
FIGURES = (
    *("sample_sanity", "loss_curves", "latent_space", "lfc_scatter", "volcano", "ma_plot", "tested_vs_na"),
    *("calibration", "held_out", "concordance_bins"),
)


@dataclass(frozen=True)
class BulkDataset:
    """One data set of the bulk study.

    Attributes
    ----------
    name
        Its name.
    block
        Its block of the config.
    study
        The config's ``bulk``.
    """

    name: str
    block: Mapping[str, Any]
    study: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """Folder of its results."""
        return f"results/bulk/{self.name}"

    @property
    def simulated(self) -> bool:
        """Whether its counts are simulated; figures then say so."""
        return bool(self.block.get("simulated", False))

    @property
    def contrasts(self) -> list[str]:
        """Names of its contrasts."""
        return list(self.block["contrasts"])

    @property
    def factors(self) -> list[str]:
        """Columns of the sample sheet that designs, batches and markers name."""
        names = [
            name
            for parts in self.block["contrasts"].values()
            for name in parse_formula(parts["design"]).names
        ]
        return list(dict.fromkeys([*names, *self.block.get("batch", []), *self.block.get("markers", {})]))

    @property
    def collections(self) -> list[str]:
        """Names of its gene set collections."""
        return list(self.block.get("gene_sets", {}))

    @property
    def published(self) -> str | None:
        """The contrast that the as-published model compares."""
        return self.block.get("published")

    @property
    def published_contrast(self) -> Mapping[str, Any]:
        """Config of that contrast; empty without one."""
        return self.block["contrasts"][self.published] if self.published else {}

    @property
    def published_factor(self) -> str | None:
        """Column of the published labels."""
        return self.published_contrast["contrast"][0] if self.published else None

    @property
    def main(self) -> str:
        """The contrast of the permutation null: the first whose labels are not the published ones."""
        return next((name for name in self.contrasts if name != self.published), self.contrasts[0])

    @property
    def main_contrast(self) -> Mapping[str, Any]:
        """Config of that contrast."""
        return self.block["contrasts"][self.main]

    @property
    def other_contrasts(self) -> list[str]:
        """Contrasts that the published one is compared with; the published one itself if it is the only one."""
        return [name for name in self.contrasts if name != self.published] or self.contrasts

    @property
    def seeds(self) -> list[int]:
        """Seeds of our NB-VAE."""
        return self.block.get("seeds", self.study["seeds"])

    @property
    def published_seeds(self) -> list[int]:
        """Seeds of the as-published model; none without a published contrast."""
        return self.block.get("published_seeds", self.study["published"]["seeds"]) if self.published else []

    @property
    def nbvae_settings(self) -> dict[str, Any]:
        """Settings of our NB-VAE, its own on top."""
        return {**self.study["nbvae"], **self.block.get("nbvae", {})}

    @property
    def latent_factors(self) -> int:
        """Residual latent factors beside the design."""
        return self.nbvae_settings["latent_factors"]

    @property
    def deseq2_options(self) -> dict[str, Any]:
        """What of its block DESeq2 depends on."""
        return {
            key: self.block[key] for key in ("numeric", "size_factors", "biocparallel") if key in self.block
        }

    @property
    def is_cohort(self) -> bool:
        """Whether its fits are dear: DESeq2 runs in parallel, and not for every permutation."""
        return bool(self.block.get("biocparallel", False))

    @property
    def figures(self) -> list[str]:
        """Names of its figures; some need gene sets, a truth or markers."""
        names = [*FIGURES, *(DRAWN[name] for name in self.collections if name in DRAWN)]
        names += ["spike_in"] if self.block.get("truth") and not self.simulated else []
        return names + (["published_contrast"] if self.block.get("markers") else [])

    def de(self, method: str) -> list[str]:
        """DE tables of a method, one a contrast."""
        return [f"{self.folder}/de/{method}/{contrast}.tsv" for contrast in self.contrasts]

    @property
    def enrichment_tables(self) -> list[str]:
        """Enrichment tables, one a contrast."""
        return [f"{self.folder}/enrichment/{contrast}.tsv" for contrast in self.contrasts]

    def of_seeds(self, model: str, file: str) -> list[str]:
        """One file of every seed of a model."""
        seeds = {"nbvae": self.seeds, "published": self.published_seeds}.get(model, self.study["rival_seeds"])
        return [f"{self.folder}/models/{model}/seed{seed}/{file}" for seed in seeds]

    def of_models(self, file: str) -> list[str]:
        """One file of every trained model and seed."""
        return [path for model in ("nbvae", *RIVALS, "published") for path in self.of_seeds(model, file)]

    @property
    def held_out_metrics(self) -> list[str]:
        """Metrics of every model that is scored on held-out counts."""
        return [path for model in ("nbvae", *RIVALS, "scvi") for path in self.of_seeds(model, "metrics.json")]

    @property
    def published_table(self) -> list[str]:
        """The as-published model's fold changes, if there are any."""
        return [f"{self.folder}/de/published/{self.published}.tsv"] if self.published else []

    @property
    def claim_inputs(self) -> dict[str, Any]:
        """Tables that the audit of the published claims reads."""
        both = (self.published, self.main)
        return {
            "benchmark": f"{self.folder}/benchmark.tsv",
            "samples": f"{self.folder}/samples.tsv",
            "markers": [f"{self.folder}/markers_lfc.tsv"] if self.block.get("markers") else [],
            "latent": self.of_seeds("published", "latent.tsv"),
            "published": self.published_table[0],
            "deseq2": [f"{self.folder}/de/deseq2/{name}.tsv" for name in both],
            "others": [f"{self.folder}/de/deseq2/{name}.tsv" for name in self.other_contrasts],
            "nbvae": [f"{self.folder}/de/nbvae/{name}.tsv" for name in both],
            "enrichment": [f"{self.folder}/enrichment/{name}.tsv" for name in both],
        }
