"""GZS-Net's autoencoder with the published names of its parameters (gzs.md, section 1)."""

import torch
from torch import nn


def normed(layer, channels):
    return [layer, nn.InstanceNorm2d(channels, affine=True), nn.ReLU()]


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()

        def conv():
            return nn.Conv2d(channels, channels, 3, padding=1, bias=False)

        self.main = nn.Sequential(
            *normed(conv(), channels), conv(), nn.InstanceNorm2d(channels, affine=True)
        )

    def forward(self, x):
        return x + self.main(x)


class Autoencoder(nn.Module):
    """E and D as published: seven-pixel edge kernels, four halvings, instance norms, tanh."""

    def __init__(self, image_size, conv_dim, hidden, z_dim, repeat_num, image_channels=3):
        super().__init__()
        widths = [conv_dim * multiple for multiple in (1, 2, 4, 4, 4)]
        deepest, side = widths[-1], image_size // 16
        flat = deepest * side * side

        def edge(inside, outside):
            return nn.Conv2d(inside, outside, 7, padding=3, bias=False)

        encoder = normed(edge(image_channels, conv_dim), conv_dim)
        for inside, outside in zip(widths, widths[1:]):
            halve = nn.Conv2d(inside, outside, 4, stride=2, padding=1, bias=False)
            encoder += normed(halve, outside)
        encoder += [ResidualBlock(deepest) for _ in range(repeat_num)]

        decoder = [ResidualBlock(deepest) for _ in range(repeat_num)]
        for inside, outside in zip(widths[::-1], widths[-2::-1]):
            double = nn.ConvTranspose2d(inside, outside, 4, stride=2, padding=1, bias=False)
            decoder += normed(double, outside)
        decoder += [edge(conv_dim, image_channels), nn.Tanh()]

        self.encoder = nn.Sequential(*encoder)
        self.fc_encoder = nn.Sequential(
            nn.Linear(flat, hidden), nn.ReLU(), nn.Linear(hidden, z_dim)
        )
        self.fc_decoder = nn.Sequential(
            nn.Linear(z_dim, hidden), nn.ReLU(), nn.Linear(hidden, flat)
        )
        self.decoder = nn.Sequential(*decoder)
        self.bottleneck = (deepest, side, side)

    def encode(self, images):
        return self.fc_encoder(torch.flatten(self.encoder(images), 1))

    def decode(self, latent):
        return self.decoder(self.fc_decoder(latent).unflatten(1, self.bottleneck))
