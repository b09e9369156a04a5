"""Reads a run folder with TensorBoard and safetensors from PyPI: `python read_run.py RUN`."""

import json
import math
import sys
from pathlib import Path

import numpy
from safetensors import safe_open
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = Path(sys.argv[1])

# Every number in the log, times excepted, is in the event files under the same name and step.
events = EventAccumulator(str(run / "events"), size_guidance={"scalars": 0, "images": 0})
events.Reload()
scalars = {tag: {e.step: e.value for e in events.Scalars(tag)} for tag in events.Tags()["scalars"]}
compared = 0
for line in (run / "metrics.jsonl").read_text().splitlines():
    fields = json.loads(line)
    step = fields.pop("step")
    for name, value in fields.items():
        if name.endswith("seconds"):
            continue
        tags = [tag for tag in scalars if tag == name or tag.endswith("/" + name)]
        assert tags, f"{name}: in no event file; there: {sorted(scalars)}"
        found = [scalars[tag][step] for tag in tags if step in scalars[tag]]
        close = [x for x in found if math.isclose(x, value, rel_tol=1e-6, abs_tol=1e-30)]
        assert close, f"{name} of step {step}: {found} in place of {value}"
        compared += 1
assert compared, "nothing was logged"
images = events.Tags()["images"]
assert images and all(events.Images(tag) for tag in images), "no sample in the event files"

with safe_open(run / "model.safetensors", "numpy") as model:
    tensors = {name: model.get_tensor(name) for name in model.keys()}
    assert "cir" in model.metadata(), f"metadata: {model.metadata()}"
assert tensors and all(numpy.isfinite(tensor).all() for tensor in tensors.values())

print(f"TensorBoard: {compared} numbers as logged, {len(images)} image tag(s)")
print(f"safetensors: {len(tensors)} finite tensors")
