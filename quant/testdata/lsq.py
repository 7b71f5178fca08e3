#!/usr/bin/env python3
"""Writes lsq.json: gradients of learned step sizes, by equations 2 and 3 of
Esser et al. (arXiv 1902.08153) in exact fractions. Run in this folder; it needs
the standard library alone.

A case has a grid -Qn..Qp (centred: qmin - zero_point .. qmax - zero_point), a
scale s, values v and the gradient u of a loss with respect to the fake-quantized
values. "gradient" is s * sum u * d(value)/ds, without the factor g. Values, scales
and gradients are short binary fractions, so that only "gradient" is rounded.
"""

import json
import random
from fractions import Fraction as F

random.seed(1)


def step(v, s, lo, hi):
    r = v / s
    if r <= lo:
        return F(lo)
    if r >= hi:
        return F(hi)
    return round(r) - r  # half to even


cases = []
for bits, signed, narrow in [(1, False, False), (2, False, False), (4, False, False), (8, False, False),
                             (2, True, True), (3, True, True), (8, True, True), (4, True, False)]:
    qmin, qmax = (0, 2**bits - 1) if not signed else (-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1)
    for zero in sorted({0, qmin, qmax, (qmin + qmax) // 2}) if not narrow else [0]:
        s = F(random.choice([1, 2, 4]), 8)
        lo, hi = qmin - zero, qmax - zero
        # Everywhere, at the ends, half a step beyond them, and at ties.
        v = [F(random.randint(64 * (lo - 2), 64 * (hi + 2)), 64) * s for _ in range(12)]
        v += [lo * s, hi * s, (lo - F(1, 4)) * s, (hi + F(1, 4)) * s, s / 2, 3 * s / 2, F(0)]
        u = [F(random.randint(-64, 64), 32) for _ in v]
        cases.append({
            "bits": bits, "signed": signed, "narrow_range": narrow, "zero_point": zero, "scale": float(s), "qmax": qmax,
            "v": [float(a) for a in v], "u": [float(a) for a in u],
            "gradient": float(s * sum(a * step(b, s, lo, hi) for a, b in zip(u, v))),
        })
with open("lsq.json", "w") as f:
    json.dump({"cases": cases}, f, indent=1)
    f.write("\n")
