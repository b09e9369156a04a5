"""The metrics of images by scikit-image, scipy, Pillow and prdc: `python images.py > images.json`, which the tests read.

Needs numpy, scipy, scikit-image, pillow and prdc. Pictures and features are recipes that the tests follow too: `unit` is the
same number on both sides, and so is every sum made of it.
"""

import contextlib
import io
import json
import warnings

import numpy as np
import scipy.linalg
from PIL import Image
from prdc import compute_prdc
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

MASK = (1 << 64) - 1


def unit(stream, count):
    """Numbers of [0, 1): splitmix64 of stream·2⁴⁰ + 0, 1, 2, …"""
    z = np.arange(count, dtype=np.uint64) + np.uint64((stream << 40) & MASK)
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53


def picture(channels, height, width):
    """A slope in both directions, with noise."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    slope = (5 * x + 3 * y + 40 * c) % 200
    noise = np.floor(unit(1, slope.size) * 40).astype(int).reshape(slope.shape)
    return (slope + noise).astype(np.uint8)


def changed(kind, image):
    if kind == "perfect":
        return image
    if kind == "constant":
        return np.full_like(image, 128)
    if kind == "noisy":
        noise = np.floor(unit(2, image.size) * 61).astype(int).reshape(image.shape) - 30
        return np.clip(image.astype(int) + noise, 0, 255).astype(np.uint8)
    half = image.shape[1] // 2  # duplicated: the left half comes twice
    return np.concatenate([image[:, :half], image[:, :half]], 1)


def pairs():
    found = []
    for channels, height, width in ((3, 32, 40), (1, 11, 24)):
        image = picture(channels, height, width)
        for kind in ("perfect", "constant", "noisy", "duplicated"):
            other = changed(kind, image)
            with np.errstate(divide="ignore"):
                psnr = peak_signal_noise_ratio(image, other, data_range=255)
            ssim = structural_similarity(
                image, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2, data_range=255
            )
            l1 = np.abs(image.astype(float) - other.astype(float)).mean() / 255
            psnr = None if np.isinf(psnr) else float(psnr)
            found.append({"shape": [channels, height, width], "kind": kind, "l1": float(l1), "psnr": psnr, "ssim": float(ssim)})
    return found


def normal(stream, rows, width, scale, shift):
    """Roughly normal: sums of four, row by row."""
    u = unit(stream, 4 * rows * width).reshape(rows, width, 4)
    return ((u[..., 0] + u[..., 1] + u[..., 2] + u[..., 3]) - 2) * scale + shift


WIDTH, REAL, MADE = 16, 200, 150


def made(kind, real):
    if kind == "perfect":
        return real.copy()
    if kind == "constant":
        return np.full((MADE, WIDTH), 0.25)
    noisy = normal(4, MADE, WIDTH, 1.25, 0.125)
    if kind == "noisy":
        return noisy
    if kind == "duplicated":
        return np.concatenate([noisy[: MADE // 2]] * 2)
    return noisy[:10]  # few


def frechet(a, b):
    mean, sa, sb = a.mean(0) - b.mean(0), np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = scipy.linalg.sqrtm(sa @ sb)
    return float(mean @ mean + np.trace(sa) + np.trace(sb) - 2 * np.trace(root).real)


def kid(a, b):
    """Line by line: the kernel of every pair that is no image with itself."""
    k = lambda x, y: (float(np.dot(x, y)) / len(x) + 1) ** 3
    m, n = len(a), len(b)
    aa = sum(k(a[i], a[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    bb = sum(k(b[i], b[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    ab = sum(k(x, y) for x in a for y in b) / (m * n)
    return aa + bb - 2 * ab


def sets():
    real, found = normal(3, REAL, WIDTH, 1.0, 0.0), {}
    for kind in ("perfect", "constant", "noisy", "duplicated", "few"):
        other = made(kind, real)
        with contextlib.redirect_stdout(io.StringIO()):
            prdc = compute_prdc(real, other, nearest_k=3)
        found[kind] = {
            "frechet": frechet(real, other),
            "kernel": kid(real, other),
            **{name: float(value) for name, value in prdc.items()},
        }
    return found


def resized():
    found = []
    image = picture(1, 23, 40)[:, :, 0].astype(np.float32)
    for name, method in (("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)):
        for height, width in ((8, 8), (30, 50), (23, 17), (46, 40)):
            pixels = np.asarray(Image.fromarray(image).resize((width, height), method)).astype(float)
            # A few pixels, and what a difference anywhere would change.
            places = np.arange(height * width)
            found.append({
                "filter": name,
                "to": [height, width],
                "first": [round(x, 5) for x in pixels.ravel()[:: max(1, height * width // 60)].tolist()],
                "sum": float(pixels.sum()),
                "weighted": float((pixels.ravel() * ((places * 7 + 3) % 11)).sum()),
            })
    return found


if __name__ == "__main__":
    print(json.dumps({"pairs": pairs(), "sets": sets(), "resized": resized()}))
