"""The metrics of single numbers by scikit-learn and numpy: `python scalar.py > scalar.json`, which the tests read.

Needs scikit-learn. Codes of 600 images with factors of 2, 3 and 5 values; where something is learnt, it is from the first
half and judged on the second. Votes for the FactorVAE score are drawn here by numpy, groups of images among them by which
votes are compared one by one.
"""

import json

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

VALUES, N = [2, 3, 5], 600
LEARN, JUDGE = slice(0, N // 2), slice(N // 2, N)
rng = np.random.default_rng(11)
labels = np.stack([rng.integers(0, n, N) for n in VALUES], 1)
factors = range(len(VALUES))
groups = [(a, rng.choice(np.flatnonzero(labels[:, a] == rng.integers(VALUES[a])), 16)) for a in factors for _ in range(10)]


def codes_of(kind):
    own = 2.0 * labels - (np.array(VALUES) - 1)
    noise = rng.normal(size=(N, 6))
    match kind:
        case "perfect":
            return own
        case "constant":
            return np.full((N, 3), 0.1)
        case "duplicated":
            return np.concatenate([own, own], 1)
        case "noisy":  # of several scales; the fourth has collapsed and the last holds nothing
            return (np.concatenate([own, own], 1) * [1, 1, 1, 0.1, 0.2, 0] + noise) * [1, 2, 1.5, 0.05, 1, 1]
        case "mixed":  # every number is a turn of all factors
            turn, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
            return own @ turn + 0.3 * noise[:, :3]


def information(codes):
    edges = [np.histogram(column, 20)[1] for column in codes.T]
    bins = [np.digitize(column, edge[:-1]) for column, edge in zip(codes.T, edges)]
    return np.array([[mutual_info_score(labels[:, a], b) for a in factors] for b in bins])


def mig(m):
    first, second = np.sort(m, 0)[-1], np.sort(m, 0)[-2]
    return np.mean((first - second) / [mutual_info_score(labels[:, a], labels[:, a]) for a in factors])


def modularity(m):
    scores = []
    for row in m:
        best = row.argmax()
        rest = sum(row[j] ** 2 for j in factors if j != best)
        scores.append(1 - rest / (row[best] ** 2 * (len(VALUES) - 1)) if row[best] > 1e-12 else 0.0)
    return np.mean(scores)


def sap(codes):
    accuracy, machine = np.zeros((codes.shape[1], len(VALUES))), None
    for j in range(codes.shape[1]):
        for a in factors:
            if codes[LEARN, j].std() < 1e-9:
                continue
            svm = LinearSVC(C=0.01, class_weight="balanced", dual=False, tol=1e-10, max_iter=100000)
            svm.fit(codes[LEARN, j : j + 1], labels[LEARN, a])
            accuracy[j, a] = svm.score(codes[JUDGE, j : j + 1], labels[JUDGE, a])
            if j == 0 and a == 2:
                machine = np.stack([svm.coef_[:, 0], svm.intercept_], 1).tolist()
    first, second = np.sort(accuracy, 0)[-1], np.sort(accuracy, 0)[-2]
    return {"accuracy": accuracy.tolist(), "machine": machine, "score": np.mean(first - second)}


def explicitness(codes):
    scaler, areas = StandardScaler().fit(codes[LEARN]), []
    for a, n in enumerate(VALUES):
        # Two values have one vector of weights here, where a softmax has two of half its length.
        probe = LogisticRegression(C=1.0, tol=1e-8, max_iter=10000)
        p = probe.fit(scaler.transform(codes[LEARN]), labels[LEARN, a]).predict_proba(scaler.transform(codes[JUDGE]))
        areas += [roc_auc_score(labels[JUDGE, a] == value, p[:, value]) for value in range(n)]
    return np.mean(areas)


def factor_vae(codes):
    variance = codes.var(0)
    kept = np.flatnonzero((variance > 1e-18) & (variance >= 0.05 * variance.mean()))
    if len(kept) == 0:
        return {"kept": [], "votes": [], "score": 0.0, "first": 0.0}
    steadiest = lambda images: int(kept[(codes[images][:, kept].var(0) / variance[kept]).argmin()])

    def drawn():
        a = rng.integers(len(VALUES))
        value = rng.integers(VALUES[a])
        return steadiest(rng.choice(np.flatnonzero(labels[:, a] == value), 64)), a

    def accuracy(train, test):
        counts = np.zeros((codes.shape[1], len(VALUES)))
        for number, factor in train:
            counts[number, factor] += 1
        read = counts.argmax(1)
        return np.mean([read[number] == factor for number, factor in test])

    votes = [(steadiest(images), a) for a, images in groups]
    score = accuracy([drawn() for _ in range(10000)], [drawn() for _ in range(5000)])
    # The even votes read the odd ones.
    return {"kept": kept.tolist(), "votes": [number for number, _ in votes], "score": score, "first": accuracy(votes[::2], votes[1::2])}


def irs(codes):
    codes = codes[:, np.ptp(codes, 0) > 1e-12]
    if codes.shape[1] == 0:
        return 0.0
    largest = np.abs(codes - codes.mean(0)).max(0)
    within = np.zeros((codes.shape[1], len(VALUES)))
    for a, n in enumerate(VALUES):
        same = [codes[labels[:, a] == value] for value in range(n)]
        within[:, a] = np.mean([np.percentile(np.abs(z - z.mean(0)), 99, axis=0) for z in same], 0)
    return np.average((1 - within / largest[:, None]).max(1), weights=largest)


cases = {}
for kind in ("perfect", "constant", "noisy", "duplicated", "mixed"):
    codes = codes_of(kind).round(6)
    m = information(codes)
    cases[kind] = {
        "codes": codes.tolist(),
        "information": m.tolist(),
        "mig": mig(m),
        "modularity": modularity(m),
        "sap": sap(codes),
        "explicitness": explicitness(codes),
        "factor_vae": factor_vae(codes),
        "irs": irs(codes),
    }
drawn = [{"factor": a, "images": images.tolist()} for a, images in groups]
print(json.dumps({"labels": labels.tolist(), "values": VALUES, "groups": drawn, "cases": cases}))
