"""Spot files read by the readers' one entry, or refused by it."""

import pytest

from workflow_scripts.lib.data.spot_sources import read_spots_source
from workflow_scripts.lib.errors import LatentomeError


def refused(block, *told, **paths):
    """Reading fails with one line that says all of `told`."""
    with pytest.raises(LatentomeError) as error:
        read_spots_source(block, {key: str(path) for key, path in paths.items()})
    message = str(error.value)
    assert "\n" not in message and "expected" in message
    for text in told:
        assert text in message, message


def read(block, **paths):
    """The spots of a block of the config."""
    return read_spots_source(block, {key: str(path) for key, path in paths.items()})
