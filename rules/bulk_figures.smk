"""Bulk study: its figures, one rule and one script each."""


include: "bulk_figures_models.smk"
include: "bulk_figures_genes.smk"
include: "bulk_figures_scores.smk"
