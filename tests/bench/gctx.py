"""Landmark rows of a large GCTX: our reader against cmapPy's parse, in turns, with the peak memory of each.

    python tests/bench/gctx.py [--columns 20000] [--rows 12328] [--runs 5]

Each case runs in a fresh process, ours and cmapPy's in turns, on a file that is in the page cache; the outputs' bits
are compared. Cases: 85 % of the columns, a scattered 10 %, and 85 % of a chunked and compressed copy (a quarter of its
columns, for it takes long to write). Peak memory is the whole process's, interpreter and imports included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

LANDMARKS = 978
COMMON = """
import json, resource, sys, time, warnings, hashlib
import numpy as np
warnings.simplefilter("ignore")
path, rows, columns = sys.argv[1], np.load(sys.argv[2]), np.load(sys.argv[3])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
"""
OURS = (
    COMMON
    + """
from workflow_scripts.lib.data.gctx import locate, read_ids, read_matrix
start = time.perf_counter()
places = [locate(read_ids(path, axis), [str(k) for k in wanted]).places
          for axis, wanted in (("row", rows), ("column", columns))]
found = read_matrix(path, *places)
"""
)
CMAPPY = (
    COMMON
    + """
from cmapPy.pandasGEXpress import parse
start = time.perf_counter()
rid, cid = [str(k) for k in rows], [str(k) for k in columns]
found = parse.parse(path, rid=rid, cid=cid).data_df
"""
)
END = """
seconds, most = time.perf_counter() - start, peak()
if hasattr(found, "loc"):
    found = found.loc[rid, cid].to_numpy(np.float32).T
print(json.dumps({"seconds": seconds, "peak": most, "output": found.nbytes,
                  "digest": hashlib.sha256(np.ascontiguousarray(found).tobytes()).hexdigest()}))
"""


def write(path: Path, columns: int, rows: int, **layout: object) -> None:
    """A GCTX of random z-scores, block by block."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file.attrs["version"] = np.bytes_("GCTX1.0")
        stored = file.create_dataset("/0/DATA/0/matrix", (columns, rows), "<f4", **layout)
        for start in range(0, columns, 500):
            block = rng.standard_normal((min(500, columns - start), rows), np.float32)
            # Two decimals, so that deflate has something to do.
            stored[start : start + len(block)] = np.round(block, 2)
        file["/0/META/ROW/id"] = np.arange(rows).astype("S8")
        file["/0/META/COL/id"] = np.arange(columns).astype("S8")


def once(code: str, path: Path, rows: Path, columns: Path) -> dict:
    words = [sys.executable, "-c", code + END, str(path), str(rows), str(columns)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--columns", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=12_328)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain, packed = folder / "plain.gctx", folder / "packed.gctx"
        few = options.columns // 4
        write(plain, options.columns, options.rows)
        write(packed, few, options.rows, chunks=(64, options.rows // 8), compression="gzip", shuffle=True)
        np.save(folder / "rows.npy", np.sort(rng.choice(options.rows, LANDMARKS, replace=False)))
        cases = {
            "85 % of the columns": (
                plain,
                np.sort(rng.choice(options.columns, int(0.85 * options.columns), False)),
            ),
            "scattered 10 %": (plain, np.sort(rng.choice(options.columns, options.columns // 10, False))),
            "chunked, compressed, 85 %": (packed, np.sort(rng.choice(few, int(0.85 * few), False))),
        }
        print(
            f"{'case':28} {'ours s':>8} {'cmapPy s':>9} {'ratio':>6} {'ours MB':>8} {'cmapPy MB':>10} {'output MB':>10}"
        )
        for case, (path, columns) in cases.items():
            np.save(folder / "columns.npy", columns)
            runs: dict[str, list[dict]] = {"ours": [], "cmappy": []}
            for _ in range(options.runs):
                for reader, code in (("ours", OURS), ("cmappy", CMAPPY)):
                    runs[reader].append(once(code, path, folder / "rows.npy", folder / "columns.npy"))
            digests = {run["digest"] for both in runs.values() for run in both}
            assert len(digests) == 1, f"{case}: the readers disagree"
            ours, theirs = (statistics.median(run["seconds"] for run in runs[k]) for k in runs)
            memory = [max(run["peak"] for run in runs[k]) / 1e6 for k in runs]
            ratio = statistics.median(
                b["seconds"] / a["seconds"] for a, b in zip(runs["ours"], runs["cmappy"], strict=True)
            )
            output = runs["ours"][0]["output"] / 1e6
            print(
                f"{case:28} {ours:8.3f} {theirs:9.3f} {ratio:6.2f} {memory[0]:8.0f} {memory[1]:10.0f} {output:10.0f}"
            )
            limit = 1.3 * output + 150
            assert memory[0] <= limit, f"{case}: {memory[0]:.0f} MB, limit {limit:.0f}"


if __name__ == "__main__":
    main()
