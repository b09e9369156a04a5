"""Loads a model of faces of ours into PyTorch, network by network, and compares what the two programs compute.

`python load_elegant.py RUN A.png B.png CODES.npy SWAPPED.png`: CODES is what `cir encode RUN A.png B.png` wrote, SWAPPED what
`cir swap RUN A.png B.png --attribute hat` drew (A, B, A with B's block, B with A's block).
"""

import json
import sys

import numpy
import torch
from elegant import networks
from PIL import Image
from safetensors import safe_open

run, a, b, codes_file, swapped = sys.argv[1:]

with safe_open(f"{run}/model.safetensors", "pt") as file:
    tensors = {name: file.get_tensor(name) for name in file.keys()}
    config = json.loads(file.metadata()["cir"])["config"]
size, width = config["image_size"], config["channels"][-1]
nets = dict(zip(("Enc", "Dec", "D1", "D2"), networks(config, size)))
for name, net in nets.items():
    own = {key.split(".", 1)[1]: tensor for key, tensor in tensors.items() if key.startswith(name + ".")}
    net.load_state_dict(own, strict=True)


def picture(path):
    pixels = numpy.asarray(Image.open(path).convert("RGB"), numpy.float32)
    return torch.tensor(pixels / 127.5 - 1).permute(2, 0, 1)


with torch.no_grad():
    images = torch.stack([picture(a), picture(b)])
    codes, skips = nets["Enc"](images)
    i, m = config["attributes"].index("hat"), len(config["attributes"])
    block = slice(round(i * width / m), round((i + 1) * width / m))
    mixed = codes.clone()
    mixed[:, block] = codes.flip(0)[:, block]
    drawn = (images + nets["Dec"](mixed, codes, skips)).clamp(-1, 1)
    for side in ("D1", "D2"):
        assert nets[side](images, torch.zeros(2, m)).shape == (2, 1)

difference = (codes - torch.tensor(numpy.load(codes_file))).abs().max().item()
assert difference < 1e-4, f"codes differ by {difference}"

row = picture(swapped)
gap = (row.shape[2] - 4 * size) // 3
columns = [row[:, :, i * (size + gap) :][:, :, :size] for i in (2, 3)]
levels = ((torch.stack(columns) - drawn).abs().max() * 127.5).item()
assert levels < 1, f"pictures differ by {levels} of 255 levels"

print(
    f"PyTorch {torch.__version__} loaded {len(tensors)} tensors of four networks strictly; codes differ by "
    f"{difference:.1e}, pictures by {levels:.2f} of 255 levels"
)
