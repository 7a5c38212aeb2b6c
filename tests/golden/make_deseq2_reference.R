# Writes tests/golden/data: simulated counts, a sample sheet and what R's DESeq2 says of them.
# Rscript tests/golden/make_deseq2_reference.R tests/golden/data
#
# R gets levels that it takes as they are; `samples.csv` has the levels that a user would write (a hyphen, a space,
# a leading digit), and the tests map them through `run_deseq2`. Contrasts are asked for in R's own ways (lists of
# coefficients, releveled factors), not as the numeric vectors that `run_deseq2` makes of them.
suppressMessages(library(DESeq2))
out <- commandArgs(trailingOnly = TRUE)[1]
genes <- 300
set.seed(20)

user <- data.frame(
  sample = paste0("s", 1:8),
  genotype = rep(c("wild-type", "knock out"), each = 4),
  time = rep(c("0h", "0h", "24 h", "24 h"), 2),
  batch = rep(c("1a", "2b"), 4),
  dose = c(0.5, 1.5, 1, 3, 0.2, 2.5, 1.2, 2)
)
in_r <- transform(user,
  genotype = factor(rep(c("wt", "ko"), each = 4), levels = c("wt", "ko")),
  time = factor(rep(c("early", "early", "late", "late"), 2), levels = c("early", "late")),
  batch = factor(rep(c("one", "two"), 4))
)

mean <- exp(rnorm(genes, 4.5, 1.8))
effect <- function(share, sd) ifelse(runif(genes) < share, rnorm(genes, 0, sd), 0)
design <- model.matrix(~ genotype * time + batch, in_r)[, -1]
log_rate <- log(mean) + cbind(effect(.3, 1.2), effect(.3, 1), effect(.5, .4), effect(.2, 1.2)) %*% t(design)
depth <- exp(rnorm(8, 0, .3))
alpha <- exp(log(.02 + 3 / mean) + rnorm(genes, 0, .5))
counts <- matrix(rnbinom(genes * 8, mu = exp(log_rate) * rep(depth, each = genes), size = 1 / alpha), genes)
counts[298:300, ] <- 0L
counts[5, 3] <- 25000L  # a Cook's outlier
dimnames(counts) <- list(sprintf("g%03d", 1:genes), user$sample)

save <- function(table, name) {
  numeric <- sapply(table, is.numeric)
  table[numeric] <- lapply(table[numeric], signif, 10)
  write.csv(table, file.path(out, name), row.names = FALSE, quote = FALSE)
}
save(data.frame(gene_id = rownames(counts), counts), "counts.csv")
save(user, "samples.csv")

fit <- function(design, counts, ...) {
  DESeq(DESeqDataSetFromMatrix(counts, in_r, design), quiet = TRUE, ...)
}
results_of <- function(label, dds, shrink = FALSE, ...) {
  found <- results(dds, ...)
  columns <- c("baseMean", "log2FoldChange", "lfcSE", "stat", "pvalue", "padj")
  table <- data.frame(gene_id = rownames(dds), as.data.frame(found)[columns])
  table$dispersion <- dispersions(dds)
  if (shrink) table$shrunken <- lfcShrink(
    dds, coef = list(...)$name, res = found, type = "normal", quiet = TRUE)$log2FoldChange
  save(table, paste0(label, ".csv"))
  trend <- attr(dispersionFunction(dds), "coefficients")
  if (is.null(trend)) trend <- c(NA_real_, NA_real_)  # a local fit
  data.frame(
    name = label, t(signif(setNames(sizeFactors(dds), user$sample), 12)), asymptote = signif(trend[[1]], 10),
    extra_poisson = signif(trend[[2]], 10), prior = signif(attr(dispersionFunction(dds), "dispPriorVar"), 10),
    filter = signif(metadata(found)$filterThreshold[[1]], 10)
  )
}

plain <- fit(~ genotype, counts)
additive <- fit(~ batch + time + genotype, counts)
crossed <- fit(~ genotype + time + genotype:time, counts)
sparse <- counts
sparse[cbind(1:297, (1:297 - 1) %% 8 + 1)] <- 0L  # no gene is counted in every sample
poscounts <- fit(~ batch + genotype, sparse, sfType = "poscounts")
controlled <- DESeqDataSetFromMatrix(counts, in_r, ~ batch + genotype)
controlled <- DESeq(estimateSizeFactors(controlled, controlGenes = seq(10, 290, 10)), quiet = TRUE)
numeric <- fit(~ dose + genotype, counts)

facts <- rbind(
  results_of("plain", plain, shrink = TRUE, name = "genotype_ko_vs_wt"),
  results_of("additive", additive, contrast = c("time", "late", "early")),
  results_of("interaction", crossed, name = "genotypeko.timelate"),
  results_of("late_in_knock_out", crossed, contrast = list(c("time_late_vs_early", "genotypeko.timelate"))),
  results_of("poscounts", poscounts, contrast = c("genotype", "ko", "wt")),
  results_of("control_genes", controlled, contrast = c("genotype", "ko", "wt")),
  results_of("numeric", numeric, name = "dose")
)
save(facts, "facts.csv")
vst <- assay(varianceStabilizingTransformation(additive, blind = FALSE))
save(data.frame(gene_id = rownames(vst), vst)[seq(1, 300, 15), ], "vst.csv")
writeLines(paste("R", getRversion(), "DESeq2", packageVersion("DESeq2")), file.path(out, "versions.txt"))
