"""Time and memory of the spatial model from 10,000 to a million bins, and of the published dense network beside it.

    python tests/bench/spatial_scale.py [--spots 10000 30000 100000 300000 1000000] [--dense 3639 10000] [--out TABLE]
    python tests/bench/spatial_scale.py --spots 1000000 --threads 2 --dense --folder SCRATCH
    python tests/bench/spatial_scale.py --allocations 100000

Bins on a square lattice with planted smooth programmes, 2,000 genes, a median of 100 UMIs. Each size runs in a process
of its own and does what the workflow does: reads the counts from disk, joins neighbours, trains for a stated number of
epochs (nothing stops it earlier), and writes rates, sd and rates given counts of all genes block by block, from
`read_spots` to `write_imputed`.
Making the file of counts is not timed. Peak memory is the process's resident set, libraries included, up to the end of
the stage. The doubling ratio is that of time or memory when the spots double, between two sizes, by their logarithms.

Of the published network one epoch of joint training on the same bins; its `edges` and `propagation` alone, beside ours,
by the sum of bytes allocated in an epoch. Ours propagates once for all epochs and is charged with it in every one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml
from simulate_bins import GENES, simulate
from torch.profiler import ProfilerActivity, profile

from workflow_scripts.lib.data.imputed import write_imputed
from workflow_scripts.lib.data.neighbours import neighbour_graph, row_mean
from workflow_scripts.lib.data.published_spots import published_graph
from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.metrics.imputability import GeneSums, imputable_genes
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training import fit_spots, loop, published_epoch
from workflow_scripts.lib.training.dispersion_factor import dispersion_factor
from workflow_scripts.lib.training.fit_spots import train_spot_model
from workflow_scripts.lib.training.spot_rates import estimate_uncertainty, given_counts, rates_with_sd
from workflow_scripts.lib.training.spots import SpotObjective

ROOT = Path(__file__).resolve().parents[2]
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
FIXED_SIZE = 10_000
BATCH = 1024
COLUMNS = ["spots", "genes", "seconds", "peak_mb", "seconds_per_epoch", "model", "stage", "cpu_seconds"]
COLUMNS += ["cpu_seconds_per_epoch", "allocated_mb", "disk_mb", "nonzeros", "epochs", "threads"]
RATIO, TOLERANCE = 2.0, 0.3


def settings_of(epochs: int) -> dict[str, Any]:
    """The workflow's own but for the batch, for a stated number of epochs."""
    given = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["spatial"]["gmm_vgae"]
    return {**given, "epochs": epochs, "batch_size": BATCH, "patience": None}


def peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def now() -> np.ndarray:
    """Seconds of the wall clock, and of the process, all its threads together."""
    return np.array([time.perf_counter(), time.process_time()])


def mark(stage: str, since: np.ndarray, **more: float) -> dict[str, Any]:
    seconds, cpu_seconds = now() - since
    return {"stage": stage, "seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak_mb(), **more}


def allocations(trace: profile) -> list[int]:
    """Sizes of all tensors made, bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace.json")
        trace.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    return [event["args"]["Bytes"] for event in events
            if event.get("name") == "[memory]" and event["args"]["Bytes"] > 0]  # fmt: skip


def run_sparse(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Stages from the counts on disk to the imputed file, each with its seconds and the peak so far."""
    began = since = now()
    fitting: list[float] = []

    def fit(*given: Any, **named: Any) -> Any:
        start = now()
        result = loop.fit(*given, **named)
        fitting.extend((now() - start) / result.epochs_run)
        return result

    # Around the epochs alone, without components and mixture, which train_spot_model fits first.
    fit_spots.fit = fit
    spots = read_spots(options.counts)
    yield mark("read", since)
    since = now()
    graph = neighbour_graph(spots.obsm["spatial"], {"kind": "auto"})
    yield mark("graph", since)
    since = now()
    model, result = train_spot_model(
        spots.X, graph, settings_of(options.epochs), 0, device=options.device, compute_threads=options.threads
    )
    # The last row of the history is the stop.
    assert result.epochs_run == options.epochs and not result.stopped_early
    seconds, cpu_seconds = fitting
    yield mark(
        "train", since, seconds_per_epoch=seconds, cpu_seconds_per_epoch=cpu_seconds, epochs=options.epochs
    )
    since = now()
    rates = model.rates(spots.X, graph)
    known = estimate_uncertainty(rates, spots.X)
    dispersion = known.residuals.dispersion(dispersion_factor(partial(model.rates, graph=graph), spots.X, 0))
    depths = np.asarray(spots.X.sum(axis=1), dtype=np.float64).ravel()
    sums = GeneSums(spots.n_vars)

    def block(start: int, stop: int) -> tuple[np.ndarray, ...]:
        rate, sd = rates_with_sd(rates, known, depths, start, stop)
        sums.add(rate, sd)
        own = given_counts(rate, spots.X[start:stop].toarray(), dispersion).astype(np.float32)
        return FIXED_SIZE * rate, FIXED_SIZE * sd, FIXED_SIZE * own / own.sum(axis=1, keepdims=True)

    imputed = Path(options.counts).with_name("imputed.h5ad")
    write_imputed(
        imputed, spots.obs.assign(depth=depths), spots.var, spots.obsm["spatial"], block, {"unit": "UMIs"}
    )
    imputable_genes(spots.X, sums, known.dispersion)
    yield mark("impute", since)
    yield mark("whole", began, disk_mb=imputed.stat().st_size / 1e6, nonzeros=spots.X.nnz)
    imputed.unlink()


def run_dense(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One published epoch and its parts."""
    counts = read_spots(options.counts)
    features = counts.X.toarray().astype(np.float32)
    features = np.log1p(1e4 * features / np.maximum(features.sum(axis=1, keepdims=True), 1))
    graph = published_graph(counts.obsm["spatial"])
    torch.set_num_threads(options.threads)
    for part in ("epoch", "edges", "propagation"):
        published_epoch.time = time
        cost = published_epoch.dense_epoch(features, graph, part=part)
        published_epoch.time = SimpleNamespace(perf_counter=time.process_time)
        cpu_seconds = published_epoch.dense_epoch(features, graph, part=part).seconds
        yield {"stage": part, "seconds": cost.seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak_mb(),
               "seconds_per_epoch": cost.seconds, "cpu_seconds_per_epoch": cpu_seconds,
               "allocated_mb": cost.allocated_bytes / 1e6}  # fmt: skip


def run_parts(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What our edge decoder and propagation allocate in an epoch."""
    spots = read_spots(options.counts)
    graph = neighbour_graph(spots.obsm["spatial"], {"kind": "auto"})
    settings = settings_of(1)
    model, _ = train_spot_model(spots.X, graph, settings, 0, compute_threads=options.threads)
    scores = model.scores.of_neighbourhoods(spots.X, graph, model.hops)
    objective = SpotObjective(model.network, scores, spots.X, None, graph, settings)
    rng = torch.Generator().manual_seed(0)
    batches = torch.randperm(spots.n_obs, generator=rng).split(BATCH)

    def edges() -> None:
        for index in batches:
            # The encoder belongs to it: without edges its neighbours would not be encoded.
            mean = model.network.posterior_mean(objective.rows("scores", index))
            objective._edges(index, mean, rng).backward()

    edges()
    start = now()
    edges()
    row = mark("edges", start)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as trace:
        edges()
    yield {**row, "allocated_mb": sum(allocations(trace)) / 1e6}
    values = model.scores.project(spots.X)
    tracemalloc.start()
    start, allocated = now(), 0
    operator = row_mean(graph)
    # What the operator's making frees on its way is counted through its peak.
    allocated += tracemalloc.get_traced_memory()[1]
    found = np.empty((len(values), len(model.hops), values.shape[1]), np.float32)
    allocated += found.nbytes
    for hop in range(max(model.hops)):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        values = operator @ values
        allocated += tracemalloc.get_traced_memory()[1] - before
        if hop + 1 in model.hops:
            found[:, model.hops.index(hop + 1)] = values
    row = mark("propagation", start, allocated_mb=allocated / 1e6)
    tracemalloc.stop()
    yield row


def run_allocations(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The largest single array of numpy that is ever seen, and the largest of torch."""
    largest, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            traces = tracemalloc.take_snapshot().traces
            largest[0] = max(largest[0], max((trace.size for trace in traces), default=0))

    tracemalloc.start()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as trace:
            for row in run_sparse(options):
                print(f"  {row['stage']}: {row['seconds']:.0f} s, traced", file=sys.stderr)
    finally:
        done.set()
        watcher.join()
    most = max(allocations(trace))
    yield {"stage": "whole", "numpy_mb": largest[0] / 1e6, "torch_mb": most / 1e6, "peak_mb": peak_mb()}


CHILDREN = {"sparse": run_sparse, "dense": run_dense, "parts": run_parts, "allocations": run_allocations}


def child(kind: str, path: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Rows of one size, from a process of its own."""
    words = [sys.executable, __file__, "--child", kind, "--counts", str(path), "--device", options.device]
    words += ["--epochs", str(options.epochs), "--threads", str(options.threads)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def doubling(table: pd.DataFrame, stage: str, column: str) -> pd.DataFrame:
    """Exponent between sizes that follow one another, and what doubling the spots multiplies the column by."""
    some = table[(table["stage"] == stage) & (table["model"] == "gmm_vgae")].sort_values("spots")
    steps = np.diff(np.log(some["spots"].to_numpy(float)))
    exponent = np.diff(np.log(some[column].to_numpy(float))) / steps
    return pd.DataFrame({
        "from": some["spots"].to_numpy()[:-1], "to": some["spots"].to_numpy()[1:], "exponent": exponent,
        "ratio": 2**exponent,
    })  # fmt: skip


def print_ratios(table: pd.DataFrame) -> None:
    columns = (("train", "cpu_seconds_per_epoch"), *((stage, "cpu_seconds") for stage in ("impute", "whole")),
               ("whole", "seconds"), ("whole", "peak_mb"))  # fmt: skip
    for stage, column in columns:
        for row in doubling(table, stage, column).itertuples():
            near = "" if abs(row.ratio - RATIO) <= TOLERANCE else "below" if row.ratio < RATIO else "ABOVE"
            sizes = f"{row[1]:>9,} to {row.to:>9,}"
            print(
                f"{stage:7}{column:23}{sizes}  exponent {row.exponent:5.2f}  ratio {row.ratio:4.2f}  {near}"
            )


def print_dense(table: pd.DataFrame, spots: int) -> None:
    """Published against ours at one size."""
    at = table[table["spots"] == spots].set_index(["model", "stage"])
    theirs, ours = at.loc["dense_as_published"], at.loc["gmm_vgae"]
    for column in ("seconds_per_epoch", "cpu_seconds_per_epoch"):
        pair = theirs.loc["epoch", column], ours.loc["train", column]
        texts = f"{pair[0]:.2f} as published, {pair[1]:.2f} ours"
        print(f"{spots:,} spots: {column} {texts}: {pair[0] / pair[1]:.1f} times less")
    pair = [model.loc[["edges", "propagation"], "allocated_mb"].sum() for model in (theirs, ours)]
    texts = f"{pair[0]:,.0f} MB allocated as published, {pair[1]:,.0f} MB ours"
    print(f"{spots:,} spots: edges and propagation, {texts}: {pair[0] / pair[1]:.1f} times less")


def measure(kinds: list[str], spots: int, options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Rows of one size; its file of counts is removed."""
    place = Path(tempfile.mkdtemp(prefix=f"spots{spots}_", dir=folder))
    rows = []
    try:
        words = [sys.executable, __file__, "--child", "simulate", "--counts", str(place / "spots.h5ad")]
        subprocess.run([*words, "--spots", str(spots)], check=True)
        for kind in kinds:
            model = "dense_as_published" if kind == "dense" else "gmm_vgae"
            for row in child(kind, place / "spots.h5ad", options):
                rows.append(
                    row | {"spots": spots, "genes": GENES, "model": model, "threads": options.threads}
                )
                times = [row.get(name, math.nan) for name in ("seconds", "cpu_seconds", "seconds_per_epoch")]
                text = "{:9.2f} s {:9.2f} s of CPU {:8.3f} s/epoch".format(*times)
                print(
                    f"{spots:>9,} {model:18} {row['stage']:12} {text} {row['peak_mb']:9,.0f} MB", flush=True
                )
    finally:
        shutil.rmtree(place)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spots", type=int, nargs="*", default=SIZES)
    parser.add_argument("--dense", type=int, nargs="*", default=(3639, 10_000))
    parser.add_argument("--allocations", type=int, help="only look for the largest array at so many spots")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--folder", type=Path, help="for counts and imputed rates, 25 GB at a million bins")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", choices=["simulate", *CHILDREN], help=argparse.SUPPRESS)
    parser.add_argument("--counts", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child == "simulate":
        simulate(options.counts, options.spots[0])
    elif options.child:
        for row in CHILDREN[options.child](options):
            print(json.dumps(row), flush=True)
    else:
        folder = options.folder or Path(tempfile.gettempdir())
        folder.mkdir(parents=True, exist_ok=True)
        if options.allocations:
            check_allocations(options, folder)
        else:
            compare(options, folder)


def compare(options: argparse.Namespace, folder: Path) -> None:
    needed, free = 25e3 * max([*options.spots, *options.dense]), shutil.disk_usage(folder).free
    assert needed < free, f"{folder}: {free / 1e9:.0f} of {needed / 1e9:.0f} GB free; name another --folder"
    name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    machine = f"{os.cpu_count()} cores ({platform.machine().replace('_', '-')}), {name}"
    rows = []
    for spots in sorted({*options.spots, *options.dense}):
        kinds = ["sparse"] + (["parts", "dense"] if spots in options.dense else [])
        rows += measure(kinds, spots, options, folder)
        table = pd.DataFrame(rows, columns=COLUMNS).assign(machine=machine)
        if options.out:
            # After every size: the largest takes long.
            write_table(table, options.out)
    print_ratios(table)
    for spots in options.dense:
        print_dense(table, spots)


def check_allocations(options: argparse.Namespace, folder: Path) -> None:
    """No array of N^2 / 100 bytes; at fewer than 50,000 spots the scores (480 bytes each) are larger than that."""
    spots, limit = options.allocations, options.allocations**2 / 100 / 1e6
    options.epochs = 1
    (row,) = measure(["allocations"], spots, options, folder)
    texts = ", ".join(f"{row[kind + '_mb']:.0f} MB ({kind})" for kind in ("numpy", "torch"))
    print(f"{spots:,} spots: largest array {texts}; limit {limit:.0f} MB")
    assert max(row["numpy_mb"], row["torch_mb"]) < limit


if __name__ == "__main__":
    main()
