"""The palette, and how every method and model is called and drawn."""

from __future__ import annotations

from typing import NamedTuple

# Okabe and Ito's palette, told apart by all common forms of colour blindness.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#8C8C8C"
LIGHT = "#D0D0D0"


class Look(NamedTuple):
    """How a method or model is called and drawn."""

    title: str
    colour: str
    marker: str


LOOKS = {
    "deseq2": Look("DESeq2", BLUE, "o"),
    "deseq2_shrunken": Look("DESeq2, shrunken", SKY, "s"),
    "nbvae": Look("NB-VAE", VERMILLION, "D"),
    "nbvae_permuted": Look("NB-VAE, permuted labels", GREY, "X"),
    "deseq2_permuted": Look("DESeq2, permuted labels", LIGHT, "X"),
    "log_ratio": Look("log₂ ratio of means", GREEN, "^"),
    "mean_log": Look("difference of mean logs", ORANGE, "v"),
    "nbvae_unshrunken": Look("NB-VAE, unshrunken", "#B8860B", "h"),
    "nbvae_without_latent": Look("NB-VAE without latent", "#7A3B00", "p"),
    "zero": Look("always zero", LIGHT, "s"),
    "published": Look("NB-VAE as published", PURPLE, "P"),
    "published_1600": Look("as published, 1,600 epochs", PURPLE, "P"),
    "published_800": Look("as published, 800 epochs", BLACK, "*"),
    "nbvae_linear": Look("linear (NB-PPCA)", GREEN, "^"),
    "nbvae_zinb": Look("zero-inflated (ZINB-VAE)", ORANGE, "v"),
    "scvi": Look("scVI", SKY, "s"),
    "gene_mean": Look("gene-mean NB", BLACK, "|"),
    "vae": Look("VAE", VERMILLION, "D"),
    "vae_linear": Look("linear VAE", GREEN, "^"),
    "vae_published": Look("VAE as published", PURPLE, "P"),
    "weights_smgp": Look("published weights (SMGP)", "#7A3B00", "p"),
    "weights_smp": Look("published weights (SMP)", ORANGE, "v"),
    "weights_gp": Look("published weights (GP)", "#B8860B", "h"),
    "svqvae": Look("S-VQ-VAE", BLUE, "o"),
    "svqvae_published": Look("S-VQ-VAE as published", SKY, "s"),
    "weights_svqvae": Look("published weights (S-VQ-VAE)", BLACK, "*"),
    "raw": Look("978 genes", "#555555", "o"),
    "pca": Look("PCA", BLACK, "s"),
    "pca_by_line": Look("PCA about each line's mean", GREEN, "s"),
    "e1": Look("as published: encoder layer 1", PURPLE, "v"),
    "e2": Look("as published: encoder layer 2", PURPLE, "^"),
    "e3": Look("as published: mean of z", PURPLE, "P"),
    "sig": Look("as published: signature nodes", PURPLE, "*"),
    "d2": Look("as published: decoder layer 1", PURPLE, "<"),
    "d1": Look("as published: decoder layer 2", PURPLE, ">"),
    "mean": Look("training mean", GREY, "|"),
    "majority": Look("most frequent class", GREY, "|"),
    "permuted": Look("permuted", GREY, "X"),
    "logistic": Look("logistic regression", BLUE, "o"),
    "svm": Look("linear SVM", SKY, "s"),
    "knn": Look("nearest neighbours", GREEN, "^"),
    "boosting": Look("boosted trees", ORANGE, "D"),
    "generated": Look("generated", VERMILLION, "D"),
    "real": Look("real signatures", BLACK, "o"),
    "aggregate": Look("decoded posteriors of all", ORANGE, "v"),
    "gaussian": Look("Gaussian of the training data", BLUE, "s"),
    "shuffled": Look("each gene shuffled", GREY, "X"),
    "posterior": Look("decoded posteriors of the class", VERMILLION, "D"),
    "pattern": Look("as published: nodes set", PURPLE, "P"),
    "prior": Look("decoded prior, any class", GREY, "X"),
}
"""Methods of all studies; a study whose order or names differ has its own, see `SPATIAL_LOOKS`."""

SPATIAL_LOOKS = {
    "gmm_vgae": Look("GMM-VGAE", VERMILLION, "D"),
    "gmm_vgae_expected": Look("GMM-VGAE, expected rates", VERMILLION, "d"),
    "gmm_vgae_expressed": Look("GMM-VGAE, means of 1 or more", ORANGE, "d"),
    "gene_mean_expressed": Look("gene's mean, means of 1 or more", GREY, "d"),
    "gmm_vgae_own": Look("GMM-VGAE without neighbours", ORANGE, "v"),
    "gmm_vgae_shuffled": Look("GMM-VGAE, places shuffled", "#A8A8A8", "X"),
    "scvi": Look("scVI", SKY, "s"),
    "log_svd_5_given_counts": Look("log SVD, rank 5, given own counts", "#303030", "D"),
    "log_svd_15_given_counts": Look("log SVD, rank 15, given own counts", "#303030", "D"),
    "knn_given_counts": Look("kNN, given own counts", "#606060", "D"),
    "gene_mean_given_counts": Look("gene's mean, given own counts", BLACK, "D"),
    "log_svd_5": Look("log SVD, rank 5", "#303030", "s"),
    "log_svd_15": Look("log SVD, rank 15", "#303030", "P"),
    "smooth_log_svd": Look("2-hop mean, then log SVD", "#505050", "p"),
    "knn": Look("like spots averaged (kNN)", "#606060", "^"),
    "smooth_4": Look("4-hop mean of neighbours", "#707070", "h"),
    "smooth_2": Look("2-hop mean of neighbours", "#808080", "h"),
    "smooth_1": Look("1-hop mean of neighbours", GREY, "h"),
    "gene_mean": Look("gene's mean × depth", BLACK, "o"),
    "gene_mean_nonzero": Look("gene's mean of nonzeros", BLACK, "o"),
    "library_only": Look("library size alone, no model", BLUE, "*"),
    "count_of_one": Look("a count of one, no model", SKY, "*"),
    "observed": Look("observed counts themselves", "#909090", "P"),
    "smoothed_mixture": Look("smoothed mixture", "#303030", "s"),
    "smoothed_kmeans": Look("smoothed k-means", "#505050", "^"),
    "leiden": Look("Leiden", "#707070", "p"),
    "raw_mixture": Look("mixture, no smoothing", "#909090", "h"),
}
LOOKS |= {name: look for name, look in SPATIAL_LOOKS.items() if name not in LOOKS}
