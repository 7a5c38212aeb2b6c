"""Noisy MNIST: rotation, partner of the same digit in the same split, uniform noise."""

import numpy as np
import pytest
from scipy import ndimage

from workflow_scripts.lib.data.noisy_mnist import ANGLE, noisy_pairs, split_images
from workflow_scripts.lib.errors import LatentomeError


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.random((600, 28, 28)), (0, 2, 2))
    smooth = (smooth - smooth.min()) / np.ptp(smooth) * 255
    smooth[:, :6] = smooth[:, -6:] = smooth[:, :, :6] = smooth[:, :, -6:] = 0
    return smooth.astype(np.uint8), rng.integers(0, 10, 600)


def test_partners_have_the_same_digit_and_noise_is_uniform(images):
    found = noisy_pairs(*images, seed=3, split="train")
    assert (images[1][found.source] == found.digit).all()
    assert (found.source != np.arange(600)).mean() > 0.9
    noise = found.y / 255 - images[0][found.source] / 255
    empty = images[0][found.source] == 0
    assert noise.min() > -1 / 255
    assert noise[empty].mean() == pytest.approx(0.5, abs=0.005)
    assert noise[empty].std() == pytest.approx(12**-0.5, abs=0.005)


def test_images_are_turned_by_their_angle(images):
    found = noisy_pairs(*images, seed=3, split="train")
    assert np.abs(found.angle).max() <= ANGLE
    assert found.angle.std() == pytest.approx(2 * ANGLE / 12**0.5, rel=0.1)
    for k in range(5):
        turned = ndimage.rotate(
            images[0][k].astype(float), np.degrees(found.angle[k]), reshape=False, order=1
        )
        assert np.abs(turned - found.x[k]).max() < 1.1


def test_seeds_and_splits_have_their_own_draws(images):
    first, again = (noisy_pairs(*images, seed=3, split="train") for _ in range(2))
    other = [noisy_pairs(*images, seed=4, split="train"), noisy_pairs(*images, seed=3, split="valid")]
    assert (first.x == again.x).all()
    assert (first.y == again.y).all()
    for one in other:
        assert (first.angle != one.angle).all()


def test_training_images_are_split_five_to_one(images):
    parts = split_images(*images)
    assert [len(part[0]) for part in parts.values()] == [500, 100]
    assert (parts["valid"][1] == images[1][500:]).all()


def test_labels_and_images_must_match(images):
    with pytest.raises(LatentomeError, match="600 images and 599 labels"):
        noisy_pairs(images[0], images[1][:-1], seed=0, split="train")
