"""Loads a model of ours into PyTorch and compares what the two programs compute.

`python load_model.py RUN A.png B.png LATENTS.npy SWAPPED.png`: LATENTS is what `cir encode RUN A.png B.png` wrote, SWAPPED
what `cir swap RUN A.png B.png --block letter` drew (A, B, A with B's block, B with A's block).
"""

import json
import sys

import numpy
import torch
from gzs import Autoencoder
from PIL import Image
from safetensors import safe_open

run, a, b, latents, swapped = sys.argv[1:]

with safe_open(f"{run}/model.safetensors", "pt") as file:
    tensors = {name: file.get_tensor(name) for name in file.keys()}
    config = json.loads(file.metadata()["cir"])["config"]
size = config["image_size"]
net = Autoencoder.of(config)
net.load_state_dict(tensors, strict=True)


def picture(path):
    pixels = numpy.asarray(Image.open(path).convert("RGB"), numpy.float32)
    return torch.tensor(pixels / 127.5 - 1).permute(2, 0, 1)


with torch.no_grad():
    codes = net.encode(torch.stack([picture(a), picture(b)]))
    letter = next(block for block in config["blocks"] if block["name"] == "letter")
    block = slice(letter["start"], letter["end"])
    mixed = codes.clone()
    mixed[:, block] = codes.flip(0)[:, block]
    drawn = net.decode(mixed)

difference = (codes - torch.tensor(numpy.load(latents))).abs().max().item()
assert difference < 1e-4, f"latents differ by {difference}"

row = picture(swapped)
gap = (row.shape[2] - 4 * size) // 3
columns = [row[:, :, i * (size + gap) :][:, :, :size] for i in (2, 3)]
levels = ((torch.stack(columns) - drawn).abs().max() * 127.5).item()
assert levels < 1, f"pictures differ by {levels} of 255 levels"

print(
    f"PyTorch {torch.__version__} loaded {len(tensors)} tensors strictly; latents differ by {difference:.1e}, "
    f"pictures by {levels:.2f} of 255 levels"
)
