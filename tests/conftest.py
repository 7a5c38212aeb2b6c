"""Which tests run, and what a skip means."""

import gc
import os
from pathlib import Path

import pytest

REAL = Path(__file__).parent / "real"
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")


def pytest_addoption(parser):
    parser.addoption("--run-slow", action="store_true", help="run the tests marked slow as well")


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(config, items):
    """Deselect slow tests, tests/real among them, unless --run-slow is given or -m speaks of them."""
    for item in items:
        if item.path.is_relative_to(REAL):
            item.add_marker("slow")
    if config.getoption("--run-slow") or "slow" in config.getoption("markexpr"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def pytest_collection_finish():
    """Collect garbage as usual: the scripts raise the thresholds while they import, and `job_log` sets them back."""
    gc.set_threshold(700, 10, 10)


def _fail_if_skipped(report):
    """In CI a skipped test or file hides a missing install step: count it as failed."""
    if report.skipped and not hasattr(report, "wasxfail") and IN_CI:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: {reason} (CI is set, and a skip counts as a failure there)"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return _fail_if_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return _fail_if_skipped((yield))


LIBRARIES = os.environ.get("LD_LIBRARY_PATH")


@pytest.fixture(autouse=True)
def r_leaves_the_library_path():
    """R puts its own folders first when it starts; a Python started afterwards could load another libpython."""
    yield
    if LIBRARIES is None:
        os.environ.pop("LD_LIBRARY_PATH", None)
        os.unsetenv("LD_LIBRARY_PATH")
    else:
        os.environ["LD_LIBRARY_PATH"] = LIBRARIES
