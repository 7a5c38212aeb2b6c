"""Train a small model, alone or as one of several processes: python parallel_training.py MODEL FOLDER.

Writes what the loop told and the weights, from the first process alone.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import safetensors.torch
import yaml

from workflow_scripts.lib.training import checkpoint
from workflow_scripts.lib.training.fit_nbvae import train_nbvae
from workflow_scripts.lib.training.fit_signatures import train_signature_model
from workflow_scripts.lib.training.seeds import seed_all

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8"))
VAE = {**CONFIG["l1000"]["vae"], "hidden": 32, "latent": 5, "epochs": 12, "batch_size": 50, "patience": 1000}
NBVAE = {
    "hidden": 16, "latent": 3, "learning_rate": 0.01, "epochs": 60, "patience": 1000, "held_out_fraction": 0.1,
    "warm_up": 20,
}  # fmt: skip


def signatures() -> tuple[np.ndarray, pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    # 331 for training: the last batch has 31, which two processes do not share evenly.
    matrix = (rng.normal(size=(400, 4)) @ rng.normal(size=(4, 60)) + rng.normal(size=(400, 60))).astype(
        np.float32
    )
    sheet = pd.DataFrame(
        {"cell_id": rng.choice(["A375", "HT29"], 400), "pcl_id": rng.choice(["", "CP_A", "CP_B"], 400)}
    )
    parts = pd.Series(
        np.where(np.arange(400) < 331, "train", np.where(np.arange(400) < 370, "validation", "test"))
    )
    return matrix, sheet, parts


def counts() -> np.ndarray:
    rng = np.random.default_rng(1)
    mean = np.exp(rng.normal(2, 1, 80)) * np.exp(rng.normal(0, 0.5, (9, 1)))
    return rng.negative_binomial(5, 5 / (5 + mean))


def main(model: str, folder: Path, epochs: int | None = None) -> None:
    seed_all(0)
    checkpoints = folder / "checkpoints"
    more = {"epochs": epochs} if epochs else {}
    with checkpoint.lock(checkpoints):
        if model == "nbvae":
            table = counts()
            factors = table.sum(axis=1) / table.sum(axis=1).mean()
            trained = train_nbvae(
                "nbvae", table, factors, np.zeros((len(table), 0)), {**NBVAE, **more}, 0,
                device="cpu", checkpoint_dir=checkpoints, log_dir=folder / "logs",
            )  # fmt: skip
            network, result = trained.network, trained.result
        else:
            trained, result = train_signature_model(
                model, *signatures(), {**VAE, **more}, 0,
                device="cpu", checkpoint_dir=checkpoints, log_dir=folder / "logs",
            )  # fmt: skip
            network = trained.network
    (folder / "history.json").write_text(json.dumps(result.history))
    safetensors.torch.save_file(network.state_dict(), folder / "weights.safetensors")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None)
