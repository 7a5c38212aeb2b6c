"""What `job_log` does for a job: its log, one readable line on failure, garbage collected as usual."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(body, tmp_path):
    code = f"""
import gc
import workflow_scripts
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.logs import job_log
before = gc.get_threshold()
with job_log({str(tmp_path / "logs/job.log")!r}, seed=3):
    {body}
"""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_garbage_is_collected_as_usual_once_all_is_imported(tmp_path):
    found = run("print(before[0] > 10_000, gc.get_threshold(), gc.get_freeze_count() > 10_000)", tmp_path)
    assert found.stdout.split("\n")[0] == "True (700, 10, 10) True", found.stderr


def test_facts_and_versions_come_first(tmp_path):
    assert run("pass", tmp_path).returncode == 0
    lines = (tmp_path / "logs/job.log").read_text().splitlines()
    assert "numpy" in lines[0]
    assert lines[1].endswith("seed: 3")


def test_a_failure_is_one_line_and_its_traceback_in_the_log(tmp_path):
    ours = run("raise LatentomeError('a.tsv: no column x; expected it')", tmp_path)
    assert (ours.returncode, ours.stderr) == (1, "latentome: error: a.tsv: no column x; expected it\n")
    assert "Traceback" in (tmp_path / "logs/job.log").read_text()
    other = run("1 / 0", tmp_path)
    assert other.returncode == 1
    assert other.stderr.startswith(
        "latentome: error: ZeroDivisionError: division by zero (the traceback is in"
    )


def test_the_password_of_an_address_is_in_neither(tmp_path):
    told = "https://***@data.invalid/file@2?x=a@b"
    body = "import logging; logging.warning('%s', a); raise {}(a)"
    for error in ("LatentomeError", "OSError"):
        address = "a = 'https://ghost:hu@sh@data.invalid/file@2?x=a@b'; "
        found = run(address + body.format(error), tmp_path)
        assert found.returncode == 1 and told in found.stderr and "ghost" not in found.stderr
        log = (tmp_path / "logs/job.log").read_text()
        assert log.count(told) == 2 and "ghost" not in log
