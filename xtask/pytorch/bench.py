"""A contestant of `cargo xtask bench`: PyTorch does one piece of work each time it is asked to.

`python bench.py published|tuned THREADS MODELS` answers lines of standard input such as `full step gzs-fonts 4` in
JSON, as crates/cir-bench does. MODELS is the folder of recipes. `published` computes as the original program does, one
forward pass for each image of a group and each swap; `tuned` batches them, fuses Adam, and takes the fastest of
contiguous and channels-last tensors, compiled or not, which it tries when a case is first named.
"""

import json
import resource
import sys
import time
import tomllib

import torch
from gzs import Autoencoder
from torch import nn

style, threads, models = sys.argv[1:]
torch.set_num_threads(int(threads))
torch.manual_seed(1)
LAYOUTS = [torch.contiguous_format, torch.channels_last]


def fastest(variants):
    """The variant whose second run is the shortest; one that fails is none."""
    timed = []
    for name, make in variants:
        try:
            run = make()
            run()
            since = time.perf_counter()
            run()
            timed.append((time.perf_counter() - since, name, run))
        except Exception as error:  # torch.compile raises what its back ends raise
            print(f"{name}: {type(error).__name__}: {error}"[:300], file=sys.stderr)
    _, name, run = min(timed, key=lambda one: one[0])
    return name, run


def layer(bf16, kind, *sizes):
    k, stride, inside, outside, side, batch = map(int, sizes)
    settings = dict(stride=stride, padding=(k - 1) // 2, bias=False)

    def make(layout):
        if kind == "t":
            conv = nn.ConvTranspose2d(inside, outside, k, output_padding=k % 2, **settings)
        else:
            conv = nn.Conv2d(inside, outside, k, **settings)
        conv.to(memory_format=layout)
        x = torch.randn(batch, inside, side, side).to(memory_format=layout).requires_grad_()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            seed = torch.randn_like(conv(x))

        def run():
            x.grad = conv.weight.grad = None
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                y = conv(x)
            y.backward(seed)

        return run

    return fastest([(str(layout), lambda layout=layout: make(layout)) for layout in LAYOUTS])


def recipe(name):
    with open(f"{models}/{name}/recipe.toml", "rb") as file:
        return tomllib.load(file)


def distance(kind):
    if kind == "bernoulli":
        return lambda out, target: nn.functional.binary_cross_entropy_with_logits(
            out, target, reduction="sum"
        ) / len(out)
    return nn.functional.l1_loss if kind == "l1" else nn.functional.mse_loss


def rows(blocks):
    """Donors of each block, target and whether it is the combination, of every decoded picture (gzs.md, section 2)."""
    m = len(blocks)
    yield from (([i] * m, i, False) for i in range(m + 1))
    for j in range(m):
        for own, other in ((0, j + 1), (j + 1, 0)):
            yield [other if i == j else own for i in range(m)], own, False
    yield list(range(1, m + 1)), 0, True


def step(bf16, name, batch):
    config, batch = recipe(name), int(batch)
    model, loss = config["model"], config["loss"]
    blocks = [slice(block["start"], block["end"]) for block in model["blocks"]]
    images, table = len(blocks) + 1, list(rows(blocks))
    side, dI = model["image_size"], distance(loss["image"])
    groups = torch.rand(images, batch, model["image_channels"], side, side)

    def weight(number, combination):
        if number < images:
            return 1.0
        return loss["lambda_combine"] * (loss["combination"] if combination else 1.0)

    def mixed(latents, donors):
        return torch.cat([latents[i][:, block] for i, block in zip(donors, blocks)], 1)

    def published(net):
        latents = [net.encode(x) for x in groups]
        terms = [
            weight(number, combination) * dI(net.decode(mixed(latents, donors)).float(), groups[target])
            for number, (donors, target, combination) in enumerate(table)
        ]
        return sum(terms)

    def tuned(net):
        latents = net.encode(groups.flatten(0, 1)).unflatten(0, (images, batch))
        out = net.decode(torch.cat([mixed(latents, donors) for donors, _, _ in table]))
        out = out.float().unflatten(0, (len(table), batch))
        return sum(
            weight(number, combination) * dI(out[number], groups[target])
            for number, (_, target, combination) in enumerate(table)
        )

    def make(loss_of, layout, compiled, fused):
        net = Autoencoder.of(model).to(memory_format=layout)
        adam = torch.optim.Adam(net.parameters(), lr=config["optimiser"]["lr"], fused=fused)
        if compiled:
            net.encode, net.decode = torch.compile(net.encode), torch.compile(net.decode)

        def run():
            adam.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                total = loss_of(net)
            total.backward()
            adam.step()

        return run

    if style == "published":
        run = make(published, torch.contiguous_format, False, None)
        run()
        return "published", run
    variants = [
        (f"{layout}{', compiled' if compiled else ''}", layout, compiled)
        for layout in LAYOUTS
        for compiled in (False, True)
    ]
    return fastest([(name, lambda v=v: make(tuned, *v, True)) for name, *v in variants])


def use(bf16, name, batch):
    model = recipe(name)["model"]
    side = model["image_size"]

    def make(layout):
        net = Autoencoder.of(model).to(memory_format=layout)
        x = torch.zeros(int(batch), model["image_channels"], side, side).to(memory_format=layout)

        def run():
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                net.decode(net.encode(x))

        return run

    return fastest([(str(layout), lambda layout=layout: make(layout)) for layout in LAYOUTS])


def adam(_, count):
    numbers = nn.Parameter(torch.ones(int(count)))
    numbers.grad = torch.ones_like(numbers)
    optimiser = torch.optim.Adam([numbers], lr=1e-4, fused=style == "tuned")
    return style, optimiser.step


CASES = {"layer": layer, "step": step, "use": use, "adam": adam}
current, variant, run = None, None, None
for line in map(str.strip, sys.stdin):
    if line != current:
        precision, case, *words = line.split()
        run = None
        variant, run = CASES[case](precision == "bf16", *words)
        current = line
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    answer = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "variant": variant}
    answer["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(answer), flush=True)
