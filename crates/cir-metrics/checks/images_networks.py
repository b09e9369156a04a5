"""Features of Inception-v3 and LPIPS by PyTorch: `python images_networks.py > images_networks.json`, which the tests read.

Needs torch, numpy, pillow, and images.py beside it. The networks are defined anew from torchvision's, pytorch-fid's and LPIPS's
descriptions. Their weights are a formula of name and place that the tests follow too, so that none are stored.
"""

import json
import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from images import changed, picture, unit


def fnv1a(name):
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) % (1 << 64)
    return h


def weight(name, shape):
    u = unit(fnv1a(name) % (1 << 24), math.prod(shape)).reshape(shape)
    if name.endswith(("bn.weight", "running_var")):
        return 0.5 + u
    if len(shape) == 1:
        return 0.4 * u - 0.2
    if name.startswith("lin"):
        return u
    return (2 * u - 1) * math.sqrt(6 / math.prod(shape[1:]))


def fill(net):
    """Fills all but the counters; the shapes by name."""
    state = net.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            tensor.copy_(torch.from_numpy(np.asarray(weight(name, tuple(tensor.shape)))))
    net.eval()
    return {name: list(tensor.shape) for name, tensor in state.items()}


class Conv(nn.Module):
    def __init__(self, cin, out, kernel, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(cin, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def average(x):
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


class A(nn.Module):
    def __init__(self, cin, pool):
        super().__init__()
        self.branch1x1 = Conv(cin, 64, 1)
        self.branch5x5_1 = Conv(cin, 48, 1)
        self.branch5x5_2 = Conv(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = Conv(cin, 64, 1)
        self.branch3x3dbl_2 = Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Conv(96, 96, 3, padding=1)
        self.branch_pool = Conv(cin, pool, 1)

    def forward(self, x):
        five = self.branch5x5_2(self.branch5x5_1(x))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, double, self.branch_pool(average(x))], 1)


class B(nn.Module):
    def __init__(self, cin):
        super().__init__()
        self.branch3x3 = Conv(cin, 384, 3, 2)
        self.branch3x3dbl_1 = Conv(cin, 64, 1)
        self.branch3x3dbl_2 = Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Conv(96, 96, 3, 2)

    def forward(self, x):
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, F.max_pool2d(x, 3, 2)], 1)


class C(nn.Module):
    def __init__(self, cin, c7):
        super().__init__()
        wide, high = {"kernel": (1, 7), "padding": (0, 3)}, {"kernel": (7, 1), "padding": (3, 0)}
        self.branch1x1 = Conv(cin, 192, 1)
        self.branch7x7_1 = Conv(cin, c7, 1)
        self.branch7x7_2 = Conv(c7, c7, **wide)
        self.branch7x7_3 = Conv(c7, 192, **high)
        self.branch7x7dbl_1 = Conv(cin, c7, 1)
        self.branch7x7dbl_2 = Conv(c7, c7, **high)
        self.branch7x7dbl_3 = Conv(c7, c7, **wide)
        self.branch7x7dbl_4 = Conv(c7, c7, **high)
        self.branch7x7dbl_5 = Conv(c7, 192, **wide)
        self.branch_pool = Conv(cin, 192, 1)

    def forward(self, x):
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), seven, double, self.branch_pool(average(x))], 1)


class D(nn.Module):
    def __init__(self, cin):
        super().__init__()
        self.branch3x3_1 = Conv(cin, 192, 1)
        self.branch3x3_2 = Conv(192, 320, 3, 2)
        self.branch7x7x3_1 = Conv(cin, 192, 1)
        self.branch7x7x3_2 = Conv(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Conv(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Conv(192, 192, 3, 2)

    def forward(self, x):
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), seven, F.max_pool2d(x, 3, 2)], 1)


class E(nn.Module):
    def __init__(self, cin, pool):
        super().__init__()
        wide, high = {"kernel": (1, 3), "padding": (0, 1)}, {"kernel": (3, 1), "padding": (1, 0)}
        self.branch1x1 = Conv(cin, 320, 1)
        self.branch3x3_1 = Conv(cin, 384, 1)
        self.branch3x3_2a = Conv(384, 384, **wide)
        self.branch3x3_2b = Conv(384, 384, **high)
        self.branch3x3dbl_1 = Conv(cin, 448, 1)
        self.branch3x3dbl_2 = Conv(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Conv(384, 384, **wide)
        self.branch3x3dbl_3b = Conv(384, 384, **high)
        self.branch_pool = Conv(cin, 192, 1)
        self.pool = pool

    def forward(self, x):
        three, double = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        three = [self.branch3x3_2a(three), self.branch3x3_2b(three)]
        double = [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return torch.cat([self.branch1x1(x), *three, *double, self.branch_pool(self.pool(x))], 1)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3 = Conv(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = Conv(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = A(192, 32), A(256, 64), A(288, 64)
        self.Mixed_6a = B(288)
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = C(768, 128), C(768, 160), C(768, 160), C(768, 192)
        self.Mixed_7a = D(768)
        self.Mixed_7b, self.Mixed_7c = E(1280, average), E(2048, lambda x: F.max_pool2d(x, 3, 1, 1))
        self.fc = nn.Linear(2048, 8)

    def forward(self, x):
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = F.max_pool2d(x, 3, 2)
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"):
            x = getattr(self, f"Mixed_{name}")(x)
        return x.mean((2, 3))


def inception():
    net = Inception()
    shapes = fill(net)
    image = picture(3, 40, 48)
    planes = []
    for c in range(3):
        plane = Image.fromarray(image[:, :, c].astype(np.float32)).resize((299, 299), Image.BICUBIC)
        planes.append(np.asarray(plane).clip(0, 255))
    x = torch.from_numpy(np.stack(planes)).float()[None]
    features = net(2 * x / 255 - 1)[0]
    return {"shapes": shapes, "features": [float(f"{v:.7g}") for v in features.tolist()]}


class Lin(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.model = nn.Sequential(nn.Dropout(), nn.Conv2d(channels, 1, 1, bias=False))


class Lpips(nn.Module):
    def __init__(self, layers, taps, channels):
        super().__init__()
        self.features, self.taps = nn.Sequential(*layers), taps
        for i, width in enumerate(channels):
            setattr(self, f"lin{i}", Lin(width))

    def forward(self, x, y):
        shift = torch.tensor([-0.030, -0.088, -0.188])[None, :, None, None]
        scale = torch.tensor([0.458, 0.448, 0.450])[None, :, None, None]
        x, y, total, place = (x - shift) / scale, (y - shift) / scale, 0, 0
        for i, layer in enumerate(self.features):
            x, y = layer(x), layer(y)
            if i in self.taps:
                nx = x / (torch.sqrt(torch.sum(x**2, 1, keepdim=True)) + 1e-10)
                ny = y / (torch.sqrt(torch.sum(y**2, 1, keepdim=True)) + 1e-10)
                total = total + getattr(self, f"lin{place}").model((nx - ny) ** 2).mean((2, 3))
                place += 1
        return total


def alex():
    relu, pool = nn.ReLU, lambda: nn.MaxPool2d(3, 2)
    layers = [nn.Conv2d(3, 64, 11, 4, 2), relu(), pool(), nn.Conv2d(64, 192, 5, padding=2), relu(), pool()]
    layers += [nn.Conv2d(192, 384, 3, padding=1), relu(), nn.Conv2d(384, 256, 3, padding=1), relu()]
    layers += [nn.Conv2d(256, 256, 3, padding=1), relu()]
    return Lpips(layers, [1, 4, 7, 9, 11], [64, 192, 384, 256, 256])


def vgg():
    layers, cin, taps = [], 3, []
    for j, (width, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
        layers += [nn.MaxPool2d(2, 2)] if j else []
        for _ in range(count):
            layers += [nn.Conv2d(cin, width, 3, padding=1), nn.ReLU()]
            cin = width
        taps.append(len(layers) - 1)
    return Lpips(layers, taps, [64, 128, 256, 512, 512])


def lpips(net):
    shapes = fill(net)
    image = picture(3, 40, 48)
    tensor = lambda x: torch.from_numpy(x.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    kinds = ("perfect", "constant", "noisy", "duplicated")
    return {"shapes": shapes, "distances": {kind: float(net(tensor(image), tensor(changed(kind, image)))) for kind in kinds}}


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.no_grad():
        print(json.dumps({"inception": inception(), "alex": lpips(alex()), "vgg": lpips(vgg())}))
