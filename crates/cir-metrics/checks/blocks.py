"""The metrics of blocks by scikit-learn and numpy: `python blocks.py > blocks.json`, which the tests read.

Needs scikit-learn. Codes of six numbers in three blocks, of 500 images with three attributes; learnt from the first half,
judged on the second.
"""

import json

import numpy as np
from scipy.stats import entropy
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

VALUES, BLOCKS, N = [2, 3, 4], [(0, 2), (2, 4), (4, 6)], 500
rng = np.random.default_rng(7)
labels = np.stack([rng.integers(0, n, N) for n in VALUES], 1)


def coded(label, value_count, noise):
    angle = 2 * np.pi * label / value_count
    return np.stack([np.cos(angle), np.sin(angle)], 1) + noise * rng.normal(size=(N, 2))


def codes_of(kind):
    if kind == "constant":
        return np.ones((N, 6))
    noise = {"perfect": 0.05, "noisy": 1.0, "leaking": 0.4, "duplicated": 0.05}[kind]
    blocks = [coded(labels[:, a], n, noise) for a, n in enumerate(VALUES)]
    if kind == "leaking":  # the first block holds something of the second attribute
        blocks[0] = blocks[0] + 0.5 * coded(labels[:, 1], VALUES[1], 0.2)
    if kind == "duplicated":  # the third block says what the second says
        blocks[2] = coded(labels[:, 1], VALUES[1], noise)
    return np.concatenate(blocks, 1)


def probes(codes):
    learn, judge = slice(0, N // 2), slice(N // 2, N)
    accuracy, information, chance = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros(3)
    first = None
    for a, n in enumerate(VALUES):
        y, truth = labels[learn, a], labels[judge, a]
        chance[a] = np.mean(truth == np.argmax(np.bincount(y, minlength=n)))
        whole = entropy(np.bincount(truth, minlength=n))
        for b, (start, end) in enumerate(BLOCKS):
            scaler = StandardScaler().fit(codes[learn, start:end])
            probe = LogisticRegression(C=1.0, tol=1e-8, max_iter=10000).fit(scaler.transform(codes[learn, start:end]), y)
            p = probe.predict_proba(scaler.transform(codes[judge, start:end]))
            first = p if first is None else first
            accuracy[a, b] = np.mean(p.argmax(1) == truth)
            loss = -np.mean(np.log(p[np.arange(len(truth)), truth]))
            information[a, b] = max(0.0, whole - loss) / whole
    others = [(a, b) for a in range(3) for b in range(3) if a != b]
    gaps = [information[a, a] - max(information[a, b] for b in range(3) if b != a) for a in range(3)]
    return {
        "accuracy": accuracy.tolist(),
        "chance": chance.tolist(),
        "leakage": float(np.mean([accuracy[a, b] - chance[a] for a, b in others])),
        "information_gap": float(np.mean(gaps)),
        "first_probabilities": first[:5].tolist(),
    }


def forests(codes):
    learn, judge = slice(0, N // 2), slice(N // 2, N)
    rows, right = [], []
    for a in range(3):
        forest = RandomForestClassifier(500, max_features=None, random_state=a).fit(codes[learn], labels[learn, a])
        rows.append(forest.feature_importances_)
        right.append(forest.score(codes[judge], labels[judge, a]))
    single = np.array(rows)
    blocks = np.stack([single[:, start:end].sum(1) for start, end in BLOCKS], 1)
    scores = {"informativeness": float(np.mean(right))}
    for name, r in (("numbers", single), ("blocks", blocks)):
        weight, per_block = r.sum(0) / max(r.sum(), 1e-300), r.sum(0)
        own = [1 - entropy(r[:, i], base=3) if per_block[i] > 0 else 0 for i in range(r.shape[1])]
        whole = [1 - entropy(row, base=r.shape[1]) if row.sum() > 0 else 0 for row in r]
        scores[name] = {
            "importances": r.tolist(),
            "disentanglement": float(np.dot(weight, own)),
            "completeness": float(np.mean(whole)),
        }
    return scores


def correlation(codes):
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.abs(np.nan_to_num(np.corrcoef(codes.T)))
    pairs = [(i, j) for i in range(6) for j in range(6) if i // 2 < j // 2]
    return float(np.mean([r[i, j] for i, j in pairs]))


cases = {}
for kind in ("perfect", "constant", "noisy", "leaking", "duplicated"):
    codes = codes_of(kind).round(6)
    found = {"probes": probes(codes), "dci": forests(codes), "correlation": correlation(codes)}
    cases[kind] = {"codes": codes.tolist(), **found}
print(json.dumps({"labels": labels.tolist(), "values": VALUES, "blocks": BLOCKS, "cases": cases}))
