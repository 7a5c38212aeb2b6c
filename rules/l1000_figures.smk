"""L1000 study: its figures, one rule and one script each."""


include: "l1000_figures_data.smk"
include: "l1000_figures_models.smk"
include: "l1000_figures_latent.smk"
include: "l1000_figures_classes.smk"
include: "l1000_figures_networks.smk"
