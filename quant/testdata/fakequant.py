#!/usr/bin/env python3
"""Writes fakequant.json, vectors for fake quantization per tensor.

Run in this folder with numpy and PyTorch: python3 fakequant.py

For every float32 x the vectors hold, as ONNX QuantizeLinear and
DequantizeLinear define them and numpy computes them,

    r = rint(x / scale) + zero_point    division and rint in float32, half to even
    q = clamp(r, qmin, qmax)
    y = (q - zero_point) * scale        product in float32

and mask, the gradient of sum(fake_quantize(x)) by PyTorch's autograd: 1 where
qmin <= r <= qmax, otherwise 0.

PyTorch multiplies by the float32 reciprocal of the scale where ONNX divides by
the scale, and converts to int64 before it clamps. So it rounds some x near ties
to the other side and takes large positive x for negative. An x where PyTorch's
y or mask differs from the formulas above is left out; "dropped" counts them in
a case. Numbers are printed with the fewest digits that give the same float32
when parsed as float64 and rounded to float32.
"""

import json
import sys

import numpy as np
import torch

SEED = 1
F32 = np.float32
POWERS = [1, 2**-3, 2**-7, 2**4]
OTHERS = [1 / 15, 0.1, 0.0123, 3.7e-5, 1e5]


def ranges(bits):
    """Yields (signed, narrow_range, zero_point, qmin, qmax)."""
    half, full = 2 ** (bits - 1), 2**bits
    yield True, True, 0, -(half - 1), half - 1
    yield True, False, 0, -half, half - 1
    for zero_point in (0, half, full - 1):
        yield False, False, zero_point, 0, full - 1


def inputs(scale, lo, hi, rng):
    """Returns candidates for x; lo and hi are the ends of the range in steps."""
    special = [0.0, -0.0, 1e-45, -1e-45, 1e-40, -3e-39, 3e38, -3e38]
    saturating = [scale * F32(k) for k in (lo - 1, lo - 7, lo * 9 - 9, -(2**40), hi + 1, hi + 7, hi * 9 + 9, 2**40)]
    middle = [k for k in range(-4, 4) if lo < k < hi - 1]
    ties = [scale * F32(k + 0.5) for k in sorted({lo - 1, lo, hi - 1, hi, *middle})]
    ends = [scale * F32(k) for k in (lo, hi, lo - 0.5, hi + 0.5)]
    edges = [np.nextafter(e, F32(to)) for e in ends for to in (-np.inf, np.inf)]
    spread = (hi - lo) / 3
    normal = scale * rng.normal((lo + hi) / 2, spread, 60).astype(F32)
    return np.array([*special, *saturating, *ties, *ends, *edges, *normal], F32)


def onnx(x, scale, zero_point, qmin, qmax):
    r = np.rint(x / scale).astype(np.float64) + zero_point
    q = np.clip(r, qmin, qmax).astype(np.int64)
    y = (q - zero_point).astype(F32) * scale
    return q, y, (qmin <= r) & (r <= qmax)


def pytorch(x, scale, zero_point, qmin, qmax):
    t = torch.tensor(x, requires_grad=True)
    y = torch.fake_quantize_per_tensor_affine(t, float(scale), zero_point, qmin, qmax)
    y.sum().backward()
    return y.detach().numpy(), t.grad.numpy()


def digits(v):
    """Returns a float32 in decimal, short but exact after rounding twice."""
    s = repr(float(str(v)))
    if F32(float(s)) != v:
        s = repr(float(v))
    assert F32(float(s)).tobytes() == v.tobytes()
    return s


def case(bits, fields, scale, rng):
    signed, narrow, zero_point, qmin, qmax = fields
    scale = F32(scale)
    x = inputs(scale, qmin - zero_point, qmax - zero_point, rng)
    q, y, inside = onnx(x, scale, zero_point, qmin, qmax)
    torch_y, mask = pytorch(x, scale, zero_point, qmin, qmax)
    assert set(mask) <= {0, 1}
    far = np.abs(x / scale) > 2.0**62
    same = (y == torch_y) & (inside == (mask == 1))
    print(f"{bits} bits [{qmin}, {qmax}] zero point {zero_point} scale {scale}: of {len(x)} dropped"
          f" {np.sum(~same & ~far)} near ties (y of {np.sum((y != torch_y) & ~far)}), {np.sum(~same & far)} far", file=sys.stderr)
    join = lambda v, f: "[" + ",".join(map(f, v[same])) + "]"
    head = dict(bits=bits, signed=signed, narrow_range=narrow, zero_point=zero_point,
                qmin=qmin, qmax=qmax, dropped=int(np.sum(~same)))
    return "{%s,\n\"scale\":%s,\n\"x\":%s,\n\"q\":%s,\n\"y\":%s,\n\"mask\":%s}" % (
        json.dumps(head)[1:-1], digits(scale), join(x, digits), join(q, str), join(y, digits),
        join(mask.astype(int), str))


def main():
    np.seterr(over="ignore")  # of 3e38 / scale
    rng = np.random.default_rng(SEED)
    kinds = [(bits, fields) for bits in (2, 3, 4, 8) for fields in ranges(bits)]
    cases = [case(*kind, OTHERS[(i + i // 5) % 5], rng) for i, kind in enumerate(kinds)]
    cases += [case(*kind, POWERS[(i + i // 4) % 4], rng) for i, kind in enumerate(kinds)]
    made = dict(script="fakequant.py", seed=SEED, numpy=np.__version__, torch=torch.__version__)
    with open("fakequant.json", "w") as f:
        f.write('{"generator":%s,\n"cases":[\n%s\n]}\n' % (json.dumps(made), ",\n".join(cases)))


main()
