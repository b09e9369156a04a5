"""Loads a model of ours into PyTorch and compares what the two programs compute.

`python load_model.py RUN BLOCK A.png B.png CODES.npy SWAPPED.png`: CODES is what `cir encode RUN A.png B.png` wrote, SWAPPED what
`cir swap RUN A.png B.png --block BLOCK` drew (A, B, A with B's block, B with A's block).
"""

import json
import sys

import elegant
import gzs
import numpy
import torch
from PIL import Image
from safetensors import safe_open

run, block, a, b, codes_file, swapped = sys.argv[1:]

with safe_open(f"{run}/model.safetensors", "pt") as file:
    tensors = {name: file.get_tensor(name) for name in file.keys()}
    card = json.loads(file.metadata()["cir"])
config, size = card["config"], card["config"]["image_size"]


def picture(path):
    pixels = numpy.asarray(Image.open(path).convert("RGB"), numpy.float32)
    return torch.tensor(pixels / 127.5 - 1).permute(2, 0, 1)


def exchanged(codes, start, end):
    mixed = codes.clone()
    mixed[:, start:end] = codes.flip(0)[:, start:end]
    return mixed


def of_gzs(images):
    net = gzs.Autoencoder.of(config)
    net.load_state_dict(tensors, strict=True)
    codes = net.encode(images)
    numbers = next(numbers for numbers in config["blocks"] if numbers["name"] == block)
    return codes, net.decode(exchanged(codes, numbers["start"], numbers["end"]))


def of_elegant(images):
    nets = dict(zip(("Enc", "Dec", "D1", "D2"), elegant.networks(config, size)))
    for name, net in nets.items():
        own = {key.split(".", 1)[1]: tensor for key, tensor in tensors.items() if key.startswith(name + ".")}
        net.load_state_dict(own, strict=True)
    codes, skips = nets["Enc"](images)
    i, m, width = config["attributes"].index(block), len(config["attributes"]), config["channels"][-1]
    mixed = exchanged(codes, round(i * width / m), round((i + 1) * width / m))
    for side in ("D1", "D2"):
        assert nets[side](images, torch.zeros(2, m)).shape == (2, 1)
    return codes, (images + nets["Dec"](mixed, codes, skips)).clamp(-1, 1)


with torch.no_grad():
    images = torch.stack([picture(a), picture(b)])
    codes, drawn = {"gzs": of_gzs, "elegant": of_elegant}[card["algorithm"]](images)

difference = (codes - torch.tensor(numpy.load(codes_file))).abs().max().item()
assert difference < 1e-4, f"codes differ by {difference}"

row = picture(swapped)
gap = (row.shape[2] - 4 * size) // 3
columns = [row[:, :, i * (size + gap) :][:, :, :size] for i in (2, 3)]
levels = ((torch.stack(columns) - drawn).abs().max() * 127.5).item()
assert levels < 1, f"pictures differ by {levels} of 255 levels"

print(
    f"PyTorch {torch.__version__} loaded {len(tensors)} tensors strictly; codes differ by {difference:.1e}, "
    f"pictures by {levels:.2f} of 255 levels"
)
