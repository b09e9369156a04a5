"""Loads a model of ours into PyTorch and compares what the two programs compute.

`python load_model.py RUN A.png B.png BLOCK CODES.npy SWAPPED.png`: CODES is what `cir encode RUN A.png B.png` wrote, SWAPPED what
`cir swap RUN A.png B.png --block BLOCK` drew (A, B, A with B's block, B with A's block).
`python load_model.py RUN A.png B.png TO TRANSLATED.png`: what `cir translate RUN A.png --to TO --reference B.png --each FOLDER` drew.
"""

import json
import sys

import elegant
import gzs
import i2i
import numpy
import torch
from PIL import Image
from safetensors import safe_open

run, a, b, *rest = sys.argv[1:]

with safe_open(f"{run}/model.safetensors", "pt") as file:
    tensors = {name: file.get_tensor(name) for name in file.keys()}
    card = json.loads(file.metadata()["cir"])
config = card["config"]


def picture(path):
    pixels = numpy.asarray(Image.open(path).convert("RGB"), numpy.float32)
    return torch.tensor(pixels / 127.5 - 1).permute(2, 0, 1)


def load(nets):
    """Each network from the tensors behind its name and a dot, none missing and none left over."""
    for name, net in nets.items():
        own = {key.split(".", 1)[1]: tensor for key, tensor in tensors.items() if key.startswith(name + ".")}
        net.load_state_dict(own, strict=True)
    assert {key.split(".")[0] for key in tensors} == set(nets)
    return nets


def levels(drawn, found):
    """The largest difference of two pictures in levels of 255."""
    largest = ((drawn - found).abs().max() * 127.5).item()
    assert largest < 1, f"pictures differ by {largest} of 255 levels"
    return f"pictures by {largest:.2f} of 255 levels"


def exchanged(codes, start, end):
    mixed = codes.clone()
    mixed[:, start:end] = codes.flip(0)[:, start:end]
    return mixed


def of_gzs(images, block):
    net = gzs.Autoencoder.of(config)
    net.load_state_dict(tensors, strict=True)
    codes = net.encode(images)
    numbers = next(numbers for numbers in config["blocks"] if numbers["name"] == block)
    return codes, net.decode(exchanged(codes, numbers["start"], numbers["end"]))


def of_elegant(images, block):
    size = config["image_size"]
    nets = load(dict(zip(("Enc", "Dec", "D1", "D2"), elegant.networks(config, size))))
    codes, skips = nets["Enc"](images)
    i, m, width = config["attributes"].index(block), len(config["attributes"]), config["channels"][-1]
    mixed = exchanged(codes, round(i * width / m), round((i + 1) * width / m))
    for side in ("D1", "D2"):
        assert nets[side](images, torch.zeros(2, m)).shape == (2, 1)
    return codes, (images + nets["Dec"](mixed, codes, skips)).clamp(-1, 1)


def swap(of, images, block, codes_file, swapped):
    codes, drawn = of(images, block)
    difference = (codes - torch.tensor(numpy.load(codes_file))).abs().max().item()
    assert difference < 1e-4, f"codes differ by {difference}"
    row, size = picture(swapped), images.shape[-1]
    gap = (row.shape[2] - 4 * size) // 3
    columns = [row[:, :, i * (size + gap) :][:, :, :size] for i in (2, 3)]
    return f"codes differ by {difference:.1e}, {levels(drawn, torch.stack(columns))}"


def translate(images, to, translated):
    nets = load(dict(zip(("enc_c", "enc_a", "gen"), i2i.translators(config))))
    shown = {"A": "B", "B": "A"}[to]
    code, _ = nets["enc_a"](to, images[1:])
    return levels(nets["gen"](to, nets["enc_c"](shown, images[:1]), code), picture(translated)[None])


with torch.no_grad():
    images = torch.stack([picture(a), picture(b)])
    compared = {
        "gzs": lambda: swap(of_gzs, images, *rest),
        "elegant": lambda: swap(of_elegant, images, *rest),
        "i2i-dis": lambda: translate(images, *rest),
    }[card["algorithm"]]()

print(f"PyTorch {torch.__version__} loaded {len(tensors)} tensors strictly; {compared}")
