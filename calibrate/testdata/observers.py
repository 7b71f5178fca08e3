"""Vectors for the observers, by direct definitions on the raw values: sorting,
exhaustive search, and sums over plain lists. Standard library only.

    python3 observers.py > observers.json     (CPython 3.11)
"""
import json
import math
import random
import struct


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def percentile(values, percent_in_hundredths):
    """The r-th smallest and the r-th largest, r = ceil(percent n / 100)."""
    s, n = sorted(values), len(values)
    r = max(-(-percent_in_hundredths * n // 10000), 1)
    return s[n - r], s[r - 1]


def affine(lo, hi, bits):
    lo, hi = min(lo, 0.0), max(hi, 0.0)
    top = 2**bits - 1
    scale = f32((hi - lo) / top) or 1.0
    return scale, min(round(-lo / scale), top), top


def squared_error(values, lo, hi, bits):
    scale, zero, top = affine(lo, hi, bits)
    e = 0.0
    for v in values:
        q = min(max(round(v / scale) + zero, 0), top)
        e += (v - scale * (q - zero)) ** 2
    return e


def best_range(values, bits, steps):
    """The least squared error over a lattice of clipped ranges."""
    lo, hi = min(min(values), 0.0), max(max(values), 0.0)
    lows = [lo * i / steps for i in range(1, steps + 1)] if lo < 0 else [0.0]
    return min(squared_error(values, a, hi * j / steps, bits) for a in lows for j in range(1, steps + 1))


def best_scale(weights, top):
    """The least squared error of a symmetric grid: every interval between two
    scales at which some weight changes its integer."""
    points = sorted({abs(w) / (k + 0.5) for w in weights for k in range(top) if w})
    best = sum(w * w for w in weights)
    for a, b in zip([points[0] / 2] + points, points + [points[-1] * 2]):
        s = (a + b) / 2
        m = [min(max(round(w / s), -top), top) for w in weights]
        p, q = sum(w * c for w, c in zip(weights, m)), sum(c * c for c in m)
        if q:
            best = min(best, sum((w - p / q * c) ** 2 for w, c in zip(weights, m)))
    return best


def divergence(counts, first, lo, hi, bits):
    """KL of clipping the histogram {bin: count}, width 1, to [lo, hi]."""
    scale, zero, top = affine(lo, hi, bits)
    last = max(counts)
    a = first if lo <= first else math.ceil(lo - 0.5)
    b = last if hi >= last + 0.5 else math.floor(hi - 0.5)
    if b - a + 1 < 2**bits:
        return math.inf
    p = {k: 0.0 for k in range(a, b + 1)}
    inside = {k: 0.0 for k in range(a, b + 1)}
    for k, n in counts.items():
        p[min(max(k, a), b)] += n
        if a <= k <= b:
            inside[k] += n
    cells = {}
    for k in p:
        c = min(max(round((k + 0.5) / scale) + zero, 0), top)
        cells.setdefault(c, []).append(k)
    q = {}
    for ks in cells.values():
        used = [k for k in ks if p[k] > 0]
        for k in used:
            q[k] = sum(inside[j] for j in ks) / len(used)
    sp, sq = sum(p.values()), sum(q.values())
    if any(q[k] == 0 for k in q):
        return math.inf
    return sum(p[k] / sp * math.log((p[k] / sp) / (q[k] / sq)) for k in q)


def best_threshold(values, bits):
    counts = {}
    for v in values:
        if v == 0:
            continue
        k = math.floor(v)
        counts[k] = counts.get(k, 0) + 1
    lo, hi = min(values), max(values)
    best = (math.inf, lo, hi)
    for i in range(256, 0, -1):
        t = f32(max(-lo, hi) * i / 256)
        a, b = max(lo, -t), min(hi, t)
        if a > b:
            break
        d = divergence(counts, min(counts), a, b, bits)
        if d < best[0]:
            best = (d, a, b)
    return best


def main():
    r = random.Random(1)
    out = {"percentile": [], "mse": [], "kl": [], "scale": []}
    for n, hundredths in [(1, 9999), (7, 9000), (100, 9900), (1000, 9990), (1000, 9999), (10000, 9999), (500, 5001), (64, 10000)]:
        values = [f32(r.gauss(0.3, 1) ** 3) for _ in range(n)]
        lo, hi = percentile(values, hundredths)
        if n > 1000:  # keep the file small: the test draws these itself
            values = [f32((i * 7919 % n) / n) for i in range(n)]
            lo, hi = percentile(values, hundredths)
            out["percentile"].append({"ramp": n, "percent": hundredths / 100, "lo": lo, "hi": hi})
            continue
        out["percentile"].append({"values": values, "percent": hundredths / 100, "lo": lo, "hi": hi})
    for bits, two_sided in [(1, False), (2, False), (4, False), (2, True), (4, True)]:
        values = [f32(r.expovariate(1) ** 2) for _ in range(60)]
        if two_sided:
            values = [v * r.choice([-0.5, 1]) for v in values]
        steps = 48 if two_sided else 512
        out["mse"].append({"values": values, "bits": bits, "error": best_range(values, bits, steps)})
    for bits, two_sided in [(2, False), (3, False), (3, True), (4, False)]:
        values = [min(math.floor(r.expovariate(1 / 12)), 120) + 0.5 for _ in range(300)] + [127.5]
        if two_sided:
            values = [v * r.choice([-1, 1]) for v in values[:-1]] + [-127.5, 127.5]
        if bits == 4:
            values = [0.0] * 700 + values
        d, lo, hi = best_threshold(values, bits)
        out["kl"].append({"values": values, "bits": bits, "lo": lo, "hi": hi, "divergence": d})
    for top in [1, 3, 7, 127]:
        for n in [1, 2, 5, 40]:
            w = [f32(r.gauss(0, 0.1)) for _ in range(n)]
            out["scale"].append({"weights": w, "top": top, "error": best_scale(w, top)})
    print(json.dumps(out))


main()
