"""A contestant of `cargo xtask bench`: PyTorch does a piece of work for a turn each time it is asked to.

`python bench.py published|tuned THREADS MODELS` answers lines of standard input such as `full step gzs-fonts 4` in
JSON, as crates/cir-bench does. MODELS is the folder of recipes. `published` computes as the original programs do, one
forward pass for each image of a group and each swap; `tuned` batches them, fuses Adam, and takes the fastest of
contiguous and channels-last tensors, compiled or not, which it tries when a case is first named.
"""

import ctypes
import json
import resource
import signal
import statistics
import sys
import time
import tomllib

import elegant as elegant_networks
import i2i as i2i_networks
import torch
import torch._functorch.config
from gzs import Autoencoder
from torch import nn

style, threads, models = sys.argv[1:]
if sys.platform == "linux":  # one that is stopped would outlive a bench that is killed
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
torch.set_num_threads(int(threads))
torch.manual_seed(1)
LAYOUTS = [torch.contiguous_format, torch.channels_last]
TURN = 0.5  # seconds; crates/cir-bench has the same


def turn(run):
    """Median seconds of wall and of CPU time over as many runs as begin within a turn."""
    runs, start = [], time.perf_counter()
    while not runs or time.perf_counter() - start < TURN:
        cpu, wall = time.process_time(), time.perf_counter()
        run()
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    return [statistics.median_low(times) for times in zip(*runs)]


def fastest(variants, timed=()):
    """Seconds, name and run of the variant whose turn after the first run is the fastest, those in `timed` among them;
    one that fails is none."""
    timed = list(timed)
    for name, make in variants:
        try:
            run = make()
            run()
            timed.append((turn(run)[0], name, run))
        except Exception as error:  # torch.compile raises what its back ends raise
            print(f"{name}: {type(error).__name__}: {error}"[:300], file=sys.stderr)
    return min(timed, key=lambda one: one[0])


def in_style(make, published, tuned):
    """The step that `make` builds of `published`, plain; or the fastest that it builds of `tuned`."""
    if style == "published":
        run = make(published, torch.contiguous_format, False, None)
        run()
        return "published", run
    made = {str(layout): lambda layout=layout: make(tuned, layout, False, True) for layout in LAYOUTS}
    plain = fastest(made.items())
    # Compiling takes minutes: only what is faster without.
    layout = LAYOUTS[list(made).index(plain[1])]
    compiled = (f"{layout}, compiled", lambda: make(tuned, layout, True, True))
    return fastest([compiled], [plain])[1:]


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

    return fastest([(str(layout), lambda layout=layout: make(layout)) for layout in LAYOUTS])[1:]


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

    return in_style(make, published, tuned)


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

    return fastest([(str(layout), lambda layout=layout: make(layout)) for layout in LAYOUTS])[1:]


def adam(_, count):
    numbers = nn.Parameter(torch.ones(int(count)))
    numbers.grad = torch.ones_like(numbers)
    optimiser = torch.optim.Adam([numbers], lr=1e-4, fused=style == "tuned")
    return style, optimiser.step


def elegant(bf16, side, batch):
    """One step on all attributes: for each a forward pass, an update of D1 and D2, one of Enc and Dec (elegant.md, section 2)."""
    config, side, batch = recipe("elegant-celeba"), int(side), int(batch)
    model, loss = config["model"], config["loss"]
    m, width = len(model["attributes"]), model["channels"][-1]
    bounds = [round(j * width / m) for j in range(m + 1)]
    pairs = [torch.rand(2 * batch, 3, side, side) * 2 - 1 for _ in range(m)]
    labels = [torch.randint(0, 2, (2 * batch, m)).float() for _ in range(m)]

    def bce(p, target):
        return nn.functional.binary_cross_entropy(p.float(), torch.full_like(p, target, dtype=torch.float32))

    def exchanged(x, i, blocks):
        other, y = torch.cat([x[batch:], x[:batch]]), x.clone()
        y[:, blocks[i] : blocks[i + 1]] = other[:, blocks[i] : blocks[i + 1]]
        return y

    def make(batched, layout, compiled, fused):
        nets = [net.to(memory_format=layout) for net in elegant_networks.networks(model, side)]
        if compiled:
            nets = [torch.compile(net) for net in nets]
        enc, dec, d1, d2 = nets
        settings = [config["optimiser"][name] for name in ("generator", "discriminator")]
        g_params, d_params = [[*a.parameters(), *b.parameters()] for a, b in ((enc, dec), (d1, d2))]
        adams = [
            torch.optim.Adam(params, lr=s["lr"], betas=tuple(s["betas"]), weight_decay=s["weight_decay"], fused=fused)
            for params, s in zip((g_params, d_params), settings)
        ]
        inputs = [x.to(memory_format=layout) for x in pairs]

        def each(net, *args):
            """The network on all rows at once, or on a batch of them after the other."""
            if batched:
                return net(*args)
            parts = zip(*(torch.split(x, batch) for x in args))
            return torch.cat([net(*part) for part in parts])

        def encode(x):
            if batched:
                return enc(x)
            codes, skips = zip(*(enc(part) for part in torch.split(x, batch)))
            return torch.cat(codes), [torch.cat(level) for level in zip(*skips)]

        def decode(codes, own, skips):
            if batched:
                return dec(codes, torch.cat([own, own]), [torch.cat([skip, skip]) for skip in skips])
            parts = []
            for k, code in enumerate(torch.split(codes, batch)):
                rows = slice(k % 2 * batch, (k % 2 + 1) * batch)
                parts.append(dec(code, own[rows], [skip[rows] for skip in skips]))
            return torch.cat(parts)

        def update(i):
            x, y = inputs[i], labels[i]
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                own, skips = encode(x)
                residuals = decode(torch.cat([own, exchanged(own, i, bounds)]), own, skips)
                made = (torch.cat([x, x]) + residuals).clamp(-1, 1)
                edits, edited = made[2 * batch :], exchanged(y, i, range(m + 1))
                images, all_labels = torch.cat([x, edits.detach()]), torch.cat([y, edited])
                terms = []
                for net in (d1, d2):
                    p = each(net, images, all_labels)
                    parts = torch.split(p, batch)
                    terms.append(bce(parts[0], 1.0) + bce(parts[1], 1.0) + bce(parts[2], 0.0) + bce(parts[3], 0.0))
            adams[1].zero_grad()
            ((terms[0] + loss["half_size"] * terms[1]) / 4).backward()
            adams[1].step()
            if batched:
                for p in d_params:
                    p.requires_grad_(False)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                adv = []
                for net in (d1, d2):
                    parts = torch.split(each(net, edits, edited), batch)
                    adv.append(bce(parts[0], 1.0) + bce(parts[1], 1.0))
                own_images = made[: 2 * batch].float()
                reconstruction = nn.functional.mse_loss(own_images[:batch], x[:batch])
                reconstruction = reconstruction + nn.functional.mse_loss(own_images[batch:], x[batch:])
            adams[0].zero_grad()
            (loss["reconstruction"] * reconstruction + adv[0] + loss["half_size"] * adv[1]).backward()
            adams[0].step()
            if batched:
                for p in d_params:
                    p.requires_grad_(True)

        def run():
            for i in range(m):
                update(i)

        return run

    return in_style(make, False, True)


def i2i(bf16, side, batch):
    """A full iteration: one forward pass, every discriminator, then both phases (i2i-dis.md, section 4)."""
    config, side, batch = recipe("i2i-cat2dog"), int(side), int(batch)
    model, loss, n = config["model"], config["loss"], config["sampling"]["encoded"]
    nz, width = model.get("attribute_width", 8), 4 * model.get("width", 64)
    pictures = lambda count: {x: torch.rand(count, 3, side, side) * 2 - 1 for x in "AB"}
    encoded, others, code = pictures(n), pictures(batch - n), lambda: torch.randn(n, nz)
    other = {"A": "B", "B": "A"}
    noisy = lambda content: content + torch.randn(n, width, (side + 3) // 4, (side + 3) // 4)
    l1 = nn.functional.l1_loss

    def bce(logits, target):
        return nn.functional.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, target).float())

    def over_scales(maps, target):
        return sum(bce(one, target) for one in maps)

    def make(tuned, layout, compiled, fused):
        lay = lambda net: net.to(memory_format=layout)
        nets = [lay(net) for net in i2i_networks.translators(model)]
        critics, content_critic = i2i_networks.discriminators(model)
        critics, content_critic = [lay(net) for net in critics], lay(content_critic)

        def adam(net, settings):
            # Shares storage but no version counter: the published second phase runs backwards through layers that the
            # first has changed, which autograd would refuse.
            shared = [nn.Parameter(p.data) for p in net.parameters()]
            optimiser = torch.optim.Adam(
                shared, settings["lr"], tuple(settings["betas"]), weight_decay=settings["weight_decay"], fused=fused
            )

            def update(clip=None):
                for p, q in zip(net.parameters(), shared):
                    q.grad, p.grad = p.grad, None
                if clip:
                    nn.utils.clip_grad_norm_(shared, clip)
                optimiser.step()

            return update

        settings = config["optimiser"]
        update = {net: adam(net, settings["networks"]) for net in [*nets, *critics]}
        update_content = adam(content_critic, settings["content_discriminator"])
        call = {net: torch.compile(net) if compiled else net for net in [*nets, *critics, content_critic]}
        enc_c, enc_a, gen = (call[net] for net in nets)
        share, decode = nets[2].dec_share, nets[2].decode
        if compiled:
            share, decode = torch.compile(share), torch.compile(decode)
            # Two backward passes share a graph.
            torch._functorch.config.donated_buffer = False
        inputs = [{x: picture.to(memory_format=layout) for x, picture in one.items()} for one in (encoded, others)]
        autocast = lambda: torch.autocast("cpu", torch.bfloat16, enabled=bf16)

        def sampled(mean, log_variance):
            return mean + torch.randn_like(mean) * (log_variance / 2).exp()

        def forward(images):
            content = {x: noisy(enc_c(x, images[x])) for x in "AB"}
            manner = {x: enc_a(x, images[x]) for x in "AB"}
            own = {x: sampled(*manner[x]) for x in "AB"}
            random = [code(), code()]
            made = {}
            if tuned:
                # What is differentiated at different times apart, the shared block once for each content.
                shared = {x: share(content[x]) for x in "AB"}
                for x in "AB":
                    both = torch.cat([shared[other[x]], shared[x]]), torch.cat([own[x], own[x]])
                    guessed = torch.cat([shared[other[x]]] * 2), torch.cat(random)
                    made[x] = [image for z in (both, guessed) for image in decode(x, *z).split(n)]
            else:
                for x in "AB":
                    contents = [content[other[x]], content[x], content[other[x]], content[other[x]]]
                    made[x] = gen(x, torch.cat(contents), torch.cat([own[x], own[x], *random])).split(n)
            again = {other[x]: noisy(enc_c(x, made[x][0])) for x in "AB"}
            codes = {x: [enc_a(x, made[x][0]), enc_a(x, made[x][2])] for x in "AB"}
            back = {x: gen(x, again[x], sampled(*codes[x][0])) for x in "AB"}
            return content, manner, random, made, {x: codes[x][1][0] for x in "AB"}, back

        def judge(net, real, fakes):
            """The real pictures are judged anew beside each made one, or once for all."""
            d = call[net]
            if tuned:
                parts = [one.split([n] * len(fakes) + [len(real)]) for one in d(torch.cat([*(f.detach() for f in fakes), real]))]
                total = sum(over_scales([one[k] for one in parts], 0.0) for k in range(len(fakes)))
                (total + len(fakes) * over_scales([one[-1] for one in parts], 1.0)).backward()
            else:
                for fake in fakes:
                    on_fake, on_real = d(fake.detach()), d(real)
                    (over_scales(on_real, 1.0) + over_scales(on_fake, 0.0)).backward()
            update[net]()

        def frozen(nets, on):
            for net in nets if tuned else []:
                net.requires_grad_(not on)

        def run():
            images, real = inputs
            with autocast():
                content, manner, random, made, found, back = forward(images)
            for k, x in enumerate("AB"):
                with autocast():
                    judge(critics[2 * k], images[x], [made[x][0]])
                    judge(critics[2 * k + 1], real[x], [made[x][2], made[x][3]])
            with autocast():
                domains = [call[content_critic](content[x].detach()) for x in "AB"]
                (bce(domains[0], 0.0) + bce(domains[1], 1.0)).backward()
            update_content(settings["clip"])
            frozen([*critics, content_critic], True)
            with autocast():
                first = second = 0.0
                for k, x in enumerate("AB"):
                    mean, log_variance = (part.float() for part in manner[x])
                    prior = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum() / n
                    first += bce(call[content_critic](content[x]), 0.5)
                    first += over_scales(call[critics[2 * k]](made[x][0]), 1.0)
                    first += loss["attribute_prior"] * prior + loss["content_prior"] * (content[x] ** 2).mean()
                    first += loss["self_reconstruction"] * l1(made[x][1], images[x])
                    first += loss["cycle"] * l1(back[x], images[x])
                    judged = call[critics[2 * k + 1]]
                    if tuned:
                        second += 2 * over_scales(judged(torch.cat(made[x][2:])), 1.0)
                    else:
                        second += over_scales(judged(made[x][2]), 1.0) + over_scales(judged(made[x][3]), 1.0)
                    second += loss["latent"] * l1(found[x], random[0])
                    apart = l1(made[x][3], made[x][2]) / l1(random[1], random[0])
                    second += loss["mode_seeking"] / (apart + 1e-5)
            first.backward(retain_graph=True)
            for net in nets:
                update[net]()
            if tuned:
                second.backward(inputs=[p for net in (nets[0], nets[2]) for p in net.parameters()])
            else:
                second.backward()
            for net in (nets[0], nets[2]):
                update[net]()
            for net in [nets[1], *critics, content_critic]:
                net.zero_grad()
            frozen([*critics, content_critic], False)

        return run

    return in_style(make, False, True)


CASES = {"layer": layer, "step": step, "elegant": elegant, "i2i": i2i, "use": use, "adam": adam}
current, variant, run = None, None, None
for line in map(str.strip, sys.stdin):
    if line != current:
        precision, case, *words = line.split()
        run = None
        variant, run = CASES[case](precision == "bf16", *words)
        current = line
    wall, cpu = turn(run)
    answer = {"wall": wall, "cpu": cpu, "variant": variant}
    if style == "published":  # `tuned` holds every variant that it tried
        answer["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(answer), flush=True)
