"""ELEGANT's networks with the published names of their parameters (elegant.md, section 1), their sizes those of a recipe."""

import torch
from torch import nn


class Normalization(nn.Module):
    def __init__(self):
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))
        self.beta = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return nn.functional.normalize(x, dim=1) * self.alpha + self.beta


class Encoder(nn.Module):
    def __init__(self, image_channels, channels):
        super().__init__()
        widths = [image_channels, *channels]
        self.main = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inside, outside, 3, 2, 1), Normalization(), nn.LeakyReLU(0.2))
            for inside, outside in zip(widths, widths[1:])
        )

    def forward(self, x):
        outputs = []
        for stage in self.main:
            x = stage(x)
            outputs.append(x)
        return outputs[-1], outputs[:-1]


class Decoder(nn.Module):
    def __init__(self, image_channels, channels):
        super().__init__()
        widths = [image_channels, *channels][::-1]
        self.main = nn.ModuleList()
        for j, (inside, outside) in enumerate(zip(widths, widths[1:])):
            conv = nn.ConvTranspose2d(inside * (2 if j == 0 else 1), outside, 3, 2, 1, 1)
            last = j + 2 == len(widths)
            self.main.append(nn.Sequential(conv, *([] if last else [Normalization(), nn.ReLU()])))

    def forward(self, code, own, skips):
        x = torch.cat([code, own], 1)
        for stage, skip in zip(self.main, [*skips[::-1], None]):
            x = stage(x)
            x = x if skip is None else x + skip
        return 2 * torch.tanh(x)


class Discriminator(nn.Module):
    def __init__(self, side, attributes, image_channels, channels):
        super().__init__()
        self.side = side
        widths = [image_channels + attributes, *channels]
        layers = []
        for inside, outside in zip(widths, widths[1:]):
            layers += [nn.Conv2d(inside, outside, 3, 2, 1), Normalization(), nn.LeakyReLU(0.2)]
        self.conv = nn.Sequential(*layers)
        last = side >> len(channels)
        self.linear = nn.Sequential(nn.Linear(channels[-1] * last * last, 1), nn.Sigmoid())

    def forward(self, images, labels):
        while images.shape[-1] != self.side:
            images = nn.functional.avg_pool2d(images, 2)
        planes = labels[:, :, None, None].expand(*labels.shape, self.side, self.side)
        return self.linear(torch.flatten(self.conv(torch.cat([images, planes], 1)), 1))


def networks(model, side):
    """Enc, Dec, D1 and D2 of a recipe's section [model] at another side."""
    images, attributes = model.get("image_channels", 3), len(model["attributes"])
    critics = [Discriminator(s, attributes, images, model["discriminator"]) for s in (side, side // 2)]
    return Encoder(images, model["channels"]), Decoder(images, model["channels"]), *critics
