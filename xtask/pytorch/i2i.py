"""I2I-Dis's networks with the published names of their parameters (i2i-dis.md, sections 1 and 2), their sizes those of a recipe."""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


class Residual(Block):
    def __init__(self, c):
        half = lambda: (nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3), nn.InstanceNorm2d(c))
        super().__init__(*half(), nn.ReLU(), *half())

    def forward(self, x):
        return x + self.model(x)


class LayerNorm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(c, 1, 1))
        self.bias = nn.Parameter(torch.zeros(c, 1, 1))

    def forward(self, x):
        return nn.functional.layer_norm(x, x.shape[1:]) * self.weight + self.bias


def leaky(inside, outside, k, stride, padding):
    return Block(nn.ReflectionPad2d(padding), nn.Conv2d(inside, outside, k, stride), nn.LeakyReLU(0.01))


def halve(inside, outside):
    return Block(nn.ReflectionPad2d(1), nn.Conv2d(inside, outside, 3, 2), nn.InstanceNorm2d(outside), nn.ReLU())


def double(inside, outside):
    return Block(nn.ConvTranspose2d(inside, outside, 3, 2, 1, 1), LayerNorm(outside), nn.ReLU())


class Pooled(nn.Module):
    def __init__(self, inside, outside):
        super().__init__()
        widen = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(inside, outside, 3), nn.AvgPool2d(2))
        same = (nn.LeakyReLU(0.2), nn.ReflectionPad2d(1), nn.Conv2d(inside, inside, 3))
        self.conv = nn.Sequential(*same, nn.LeakyReLU(0.2), widen)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inside, outside, 1))

    def forward(self, x):
        return self.conv(x) + self.shortcut(x)


class ContentEncoder(nn.Module):
    def __init__(self, images, w, blocks):
        super().__init__()
        for x in "AB":
            first = [leaky(images, w, 7, 1, 3), halve(w, 2 * w), halve(2 * w, 4 * w)]
            setattr(self, f"conv{x}", nn.Sequential(*first, *(Residual(4 * w) for _ in range(blocks))))
        self.conv_share = nn.Sequential(Residual(4 * w))

    def forward(self, domain, images):
        return self.conv_share(getattr(self, f"conv{domain}")(images))


class AttributeEncoder(nn.Module):
    """The `concat` form: mean and log-variance."""

    def __init__(self, images, w, nz):
        super().__init__()
        for x in "AB":
            pooled = [Pooled(w, 2 * w), Pooled(2 * w, 3 * w), Pooled(3 * w, 4 * w)]
            first = (nn.ReflectionPad2d(1), nn.Conv2d(images, w, 4, 2))
            setattr(self, f"conv_{x}", nn.Sequential(*first, *pooled, nn.LeakyReLU(0.2), nn.AdaptiveAvgPool2d(1)))
            setattr(self, f"fc_{x}", nn.Sequential(nn.Linear(4 * w, nz)))
            setattr(self, f"fcVar_{x}", nn.Sequential(nn.Linear(4 * w, nz)))

    def forward(self, domain, images):
        x = getattr(self, f"conv_{domain}")(images).flatten(1)
        return getattr(self, f"fc_{domain}")(x), getattr(self, f"fcVar_{domain}")(x)


class Generator(nn.Module):
    """The `concat` form: the code joins the channels before each of four parts."""

    def __init__(self, images, w, nz, blocks):
        super().__init__()
        self.dec_share = nn.Sequential(Residual(4 * w))
        for x in "AB":
            setattr(self, f"dec{x}1", nn.Sequential(*(Residual(4 * w + nz) for _ in range(blocks))))
            setattr(self, f"dec{x}2", nn.Sequential(double(4 * w + 2 * nz, 2 * w + nz)))
            setattr(self, f"dec{x}3", nn.Sequential(double(2 * w + 2 * nz, w + nz)))
            setattr(self, f"dec{x}4", nn.Sequential(nn.ConvTranspose2d(w + 2 * nz, images, 1), nn.Tanh()))

    def forward(self, domain, content, code):
        return self.decode(domain, self.dec_share(content), code)

    def decode(self, domain, x, code):
        """From a content code that has passed the block which both domains share."""
        for part in (1, 2, 3, 4):
            planes = code[:, :, None, None].expand(*code.shape, *x.shape[2:])
            x = getattr(self, f"dec{domain}{part}")(torch.cat([x, planes], 1))
        return x


class Discriminator(nn.Module):
    """On several scales, without spectral norms."""

    def __init__(self, images, w, scales):
        super().__init__()
        widths = [images, w, 2 * w, 4 * w, 8 * w]
        self.pool = nn.AvgPool2d(3, 2, 1, count_include_pad=False)
        scale = lambda: [*(leaky(i, o, 4, 2, 1) for i, o in zip(widths, widths[1:])), nn.Conv2d(8 * w, 1, 1)]
        self.Diss = nn.ModuleList(nn.Sequential(*scale()) for _ in range(scales))

    def forward(self, images):
        maps = []
        for scale in self.Diss:
            maps.append(scale(images))
            images = self.pool(images)
        return maps


class ContentDiscriminator(Block):
    def __init__(self, w, stages):
        c = 4 * w
        last = (leaky(c, c, 4, 1, 0), nn.Conv2d(c, 1, 1))
        super().__init__(*(leaky(c, c, 7, 2, 1) for _ in range(stages)), *last)


def translators(model):
    """enc_c, enc_a and gen of a recipe's section [model]; what it does not set is as published."""
    images, w, nz = model.get("image_channels", 3), model.get("width", 64), model.get("attribute_width", 8)
    blocks = model.get("blocks", 3)
    return ContentEncoder(images, w, blocks), AttributeEncoder(images, w, nz), Generator(images, w, nz, blocks)


def discriminators(model):
    """disA, disA2, disB, disB2, and disContent."""
    images, w, scales = model.get("image_channels", 3), model.get("width", 64), model.get("scales", 3)
    critics = [Discriminator(images, w, scales) for _ in range(4)]
    return critics, ContentDiscriminator(w, model.get("content_stages", 3))
