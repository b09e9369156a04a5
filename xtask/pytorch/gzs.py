"""GZS-Net's autoencoder with the published names of its parameters (gzs.md, section 1), its sizes those of a recipe."""

import torch
from torch import nn


def activation(negative_slope):
    return nn.LeakyReLU(negative_slope) if negative_slope else nn.ReLU()


class Stages(list):
    """Layers in their published places; `norm` is "instance", or "none", which gives convolutions biases."""

    def __init__(self, norm, negative_slope):
        self.norm = norm
        self.negative_slope = negative_slope

    def conv(self, kind, inside, outside, kernel, **settings):
        return kind(inside, outside, kernel, bias=self.norm == "none", **settings)

    def normed(self, kind, inside, outside, kernel, **settings):
        self.append(self.conv(kind, inside, outside, kernel, **settings))
        instance = self.norm == "instance"
        self.append(nn.InstanceNorm2d(outside, affine=True) if instance else nn.Identity())
        self.append(activation(self.negative_slope))


class ResidualBlock(nn.Module):
    def __init__(self, channels, *kind):
        super().__init__()
        main = Stages(*kind)
        main.normed(nn.Conv2d, channels, channels, 3, padding=1)
        main.normed(nn.Conv2d, channels, channels, 3, padding=1)
        self.main = nn.Sequential(*main[:-1])

    def forward(self, x):
        return x + self.main(x)


class Autoencoder(nn.Module):
    """E and D; as published: depth 4, seven-pixel edge kernels, instance norms, ReLUs."""

    def __init__(
        self,
        image_size,
        image_channels,
        conv_dim,
        hidden,
        z_dim,
        repeat_num,
        depth=4,
        edge_kernel=7,
        norm="instance",
        output="tanh",
        negative_slope=0,
    ):
        super().__init__()
        widths = [conv_dim * multiple for multiple in (1, 2, 4, 4, 4)[: depth + 1]]
        deepest, side = widths[-1], image_size >> depth
        flat = deepest * side * side
        halve, edge = dict(stride=2, padding=1), dict(padding=edge_kernel // 2)
        kind = norm, negative_slope

        encoder = Stages(*kind)
        encoder.normed(nn.Conv2d, image_channels, conv_dim, edge_kernel, **edge)
        for inside, outside in zip(widths, widths[1:]):
            encoder.normed(nn.Conv2d, inside, outside, 4, **halve)
        encoder += [ResidualBlock(deepest, *kind) for _ in range(repeat_num)]

        decoder = Stages(*kind)
        decoder += [ResidualBlock(deepest, *kind) for _ in range(repeat_num)]
        for inside, outside in zip(widths[::-1], widths[-2::-1]):
            decoder.normed(nn.ConvTranspose2d, inside, outside, 4, **halve)
        decoder.append(decoder.conv(nn.Conv2d, conv_dim, image_channels, edge_kernel, **edge))
        decoder += [nn.Tanh()] if output == "tanh" else []

        self.encoder = nn.Sequential(*encoder)
        self.fc_encoder = nn.Sequential(
            nn.Linear(flat, hidden), activation(negative_slope), nn.Linear(hidden, z_dim)
        )
        self.fc_decoder = nn.Sequential(
            nn.Linear(z_dim, hidden), activation(negative_slope), nn.Linear(hidden, flat)
        )
        self.decoder = nn.Sequential(*decoder)
        self.bottleneck = (deepest, side, side)

    @classmethod
    def of(cls, model):
        """The network of a recipe's section [model], or of a model's card."""
        sizes = ["image_size", "image_channels", "conv_dim", "hidden", "z_dim", "repeat_num"]
        form = ["depth", "edge_kernel", "norm", "output"]
        return cls(**{name: model[name] for name in sizes + form}, negative_slope=model.get("negative_slope", 0))

    def encode(self, images):
        return self.fc_encoder(torch.flatten(self.encoder(images), 1))

    def decode(self, latent):
        return self.decoder(self.fc_decoder(latent).unflatten(1, self.bottleneck))
