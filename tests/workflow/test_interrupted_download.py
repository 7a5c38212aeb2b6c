"""A download killed with the whole workflow: the part survives, and a rerun asks for the rest alone."""

import hashlib
import os
import random
import shutil
import signal
import ssl
import subprocess

import pytest
from http_site import leftovers, no_proxy, serving
from runs import REPO, command, environment, good, run, wait_for

__all__ = ["no_proxy"]  # a fixture

TARGET = "resources/raw/TOY/file.bin"
WHOLE = random.Random(7).randbytes(3 << 20)
STALL = 1 << 20


@pytest.fixture
def certificate(tmp_path):
    """A self-signed one of this machine, and its key, in one file; downloads are by https alone."""
    path = tmp_path / "certificate.pem"
    line = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    line += [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(path),
        "-out",
        str(tmp_path / "own.pem"),
    ]
    subprocess.run(line, check=True, capture_output=True)
    with path.open("ab") as file:
        file.write((tmp_path / "own.pem").read_bytes())
    return path


def project(folder, url):
    """A copy of the workflow whose registry has one more row, the first."""
    for name in ("config", "envs", "report", "resources", "rules", "workflow_scripts"):
        shutil.copytree(REPO / name, folder / name, ignore=shutil.ignore_patterns("raw", "__pycache__"))
    for name in ("Snakefile", "config.yaml"):
        shutil.copy2(REPO / name, folder / name)
    registry = folder / "resources/datasets.tsv"
    head, rest = registry.read_text(encoding="utf-8").split("\n", 1)
    digest = hashlib.sha256(WHOLE).hexdigest()
    row = ["aaa", "TOY", "file.bin", url, str(len(WHOLE)), digest, "", "none stated", "2026-11-22", "a toy"]
    registry.write_text("\n".join([head, "\t".join(row), rest]), encoding="utf-8")
    return folder


def test_killed_download_is_completed_by_the_next_run(tmp_path, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(WHOLE, context=context, faults=[("stall", STALL)]) as site:
        here = project(tmp_path / "project", site.url)
        how = {"overlays": (), "snakefile": here / "Snakefile"}
        env = {"REQUESTS_CA_BUNDLE": str(certificate)}
        part = here / f"{TARGET}.part"
        running = subprocess.Popen(
            command(here, TARGET, **how), env=environment(**env), cwd=here, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(lambda: part.exists() and part.stat().st_size > STALL - (1 << 16), "part", 300)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait(30)
        come = part.stat().st_size
        assert not (here / TARGET).exists()

        locked = run(here, TARGET, env=env, **how)
        assert locked.code and "cannot be locked" in locked.text and "--unlock" in locked.text
        good(run(here, TARGET, "--unlock", **how))
        good(run(here, TARGET, env=env, **how))
        assert (here / TARGET).read_bytes() == WHOLE
        assert leftovers(part.parent) == ["file.bin"]
        assert [seen.get("range") for seen in site.seen] == [None, f"bytes={come}-"]
        assert site.sent == [STALL, len(WHOLE) - come]
        assert "Nothing to be done" in good(run(here, TARGET, env=env, **how)).text
