"""Spatial study: its figures, one rule and one script each."""


include: "spatial_figures_data.smk"
include: "spatial_figures_models.smk"
include: "spatial_figures_scores.smk"
include: "spatial_figures_genes.smk"
include: "spatial_figures_domains.smk"
