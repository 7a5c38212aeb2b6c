"""Score a trained model of Noisy MNIST on the test pairs: accuracy, diversity, probes, mutual information."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from workflow_scripts.lib.data.image_pairs import read_pairs
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.mutual_information import (
    Budget,
    information,
    probe_accuracy,
    probe_r_squared,
)
from workflow_scripts.lib.models.image_coders import ImageEncoder
from workflow_scripts.lib.models.paired_models import build
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.export import load_model
from workflow_scripts.lib.training.images import DIGITS, IMAGES, classified, drawn
from workflow_scripts.lib.training.paired import prepared
from workflow_scripts.lib.training.seeds import derive_seed

SHOWN, DRAWS = 5, 5


@torch.no_grad()
def codes_of(model, pairs, rng):
    """Latent parts of pairs without noise, and what is taken from y with it; numpy, by name."""
    x, y = (torch.from_numpy(some)[:, None] for some in (pairs.x, pairs.y))
    blocks = [
        {**model.latents(a, b), "condition": model.condition_code(b, rng)}
        for a, b in ((prepared(i), prepared(j)) for i, j in zip(x.split(4096), y.split(4096), strict=True))
    ]
    return {name: torch.cat([block[name] for block in blocks]).numpy() for name in blocks[0]}


def samples_table(x, y, draws):
    """kind, column, row, pixel, value of the first test pairs and what is drawn for them."""
    kinds = {"x": x, "y": y, **{f"draw {k + 1}": image for k, image in enumerate(draws)}}
    tables = [
        pd.DataFrame(
            {"kind": kind, "pair": place, "pixel": np.arange(image.size), "value": image.ravel().round(3)}
        )
        for kind, images in kinds.items()
        for place, image in enumerate(images)
    ]
    return pd.concat(tables)


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    name, seed = snakemake.wildcards.model, int(snakemake.wildcards.seed)
    torch.set_num_threads(params.compute_threads)
    splits = read_pairs(given.pairs)
    test, valid = splits["test"], splits["valid"]
    model = build(params.settings["architecture"], IMAGES, IMAGES, params.settings)
    model.load_state_dict(load_model(Path(given.weights).parent)[0])
    judge = ImageEncoder(DIGITS)
    judge.load_state_dict(load_model(Path(given.classifier).parent)[0])
    model.eval()
    judge.eval()
    rng = torch.Generator().manual_seed(derive_seed(seed, "draws"))
    y, digit = torch.from_numpy(test.y)[:, None], torch.from_numpy(test.digit).long()
    of_x = classified(judge, torch.from_numpy(test.x)[:, None]).argmax(dim=1)
    first, second = drawn(model, y, rng), drawn(model, y, rng)
    said = classified(judge, first).argmax(dim=1)
    scores = {
        "accuracy": float((said == digit).float().mean()),
        "agreement_with_classifier": float((said == of_x).float().mean()),
        "diversity": float(((first - second) ** 2).mean()),
    }
    codes, held = codes_of(model, test, rng), codes_of(model, valid, rng)
    for part in [part for part in codes if part != "condition"]:
        scores[f"digit_from_{part}"] = probe_accuracy(codes[part], test.digit, seed)
        scores[f"angle_from_{part}"] = probe_r_squared(codes[part], test.angle.astype(float), seed)
    views = [pairs.x.reshape(len(pairs.x), -1) / 255 for pairs in (valid, test)]
    order = np.random.default_rng(derive_seed(seed, "permuted"))
    for metric, before, after in (
        ("information", held["condition"], codes["condition"]),
        ("information_permuted", order.permutation(held["condition"]), order.permutation(codes["condition"])),
    ):
        scores[metric] = information(
            (views[0], before), (views[1], after), derive_seed(seed, metric), Budget(**params.information)
        )
    rows = [(name, seed, metric, value) for metric, value in scores.items()]
    write_table(pd.DataFrame(rows, columns=["model", "seed", "metric", "value"]), snakemake.output.scores)
    draws = [drawn(model, y[:SHOWN], rng)[:, 0].numpy() for _ in range(DRAWS)]
    write_table(samples_table(test.x[:SHOWN] / 255, test.y[:SHOWN] / 255, draws), snakemake.output.samples)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "scikit-learn"), seed=snakemake.wildcards.seed):
        main(snakemake)
