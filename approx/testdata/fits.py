"""Makes fits.json: polynomial fits of activation functions in 40 digits.

Written for mpmath 1.2.1 and Python 3.11. Nothing here shares code or method
with the package: Taylor by mpmath.taylor (numerical differentiation), the
interpolant by a Vandermonde system, least squares by Gram's matrix and mpmath's
quadrature, minimax by a full exchange in the monomial basis without any use of
symmetry, its extrema from the roots of the error's derivative.
"""

import json
import mpmath as mp

mp.mp.dps = 40

F = {
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "tanh": mp.tanh,
    "relu": lambda x: x if x > 0 else mp.mpf(0),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "gelu": lambda x: x * mp.ncdf(x),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
}


def pieces(name, lo, hi):
    return [lo, mp.mpf(0), hi] if name == "relu" and lo < 0 < hi else [lo, hi]


def horner(a, x):
    y = mp.mpf(0)
    for c in reversed(a):
        y = y * x + c
    return y


def taylor(name, d, lo, hi):
    c = (lo + hi) / 2
    b = mp.taylor(F[name], c, d)
    a = [mp.mpf(0)] * (d + 1)
    for j in range(d + 1):
        for k in range(j + 1):
            a[k] += b[j] * mp.binomial(j, k) * (-c) ** (j - k)
    return a


def chebyshev(name, d, lo, hi):
    x = [(lo + hi) / 2 + (hi - lo) / 2 * mp.cos(mp.pi * (2 * j + 1) / (2 * (d + 1))) for j in range(d + 1)]
    v = mp.matrix(d + 1, d + 1)
    for i in range(d + 1):
        for k in range(d + 1):
            v[i, k] = x[i] ** k
    return list(mp.lu_solve(v, mp.matrix([F[name](t) for t in x])))


def leastsquares(name, d, lo, hi):
    g = mp.matrix(d + 1, d + 1)
    b = mp.matrix(d + 1, 1)
    for i in range(d + 1):
        for k in range(d + 1):
            g[i, k] = (hi ** (i + k + 1) - lo ** (i + k + 1)) / (i + k + 1)
        b[i] = mp.quad(lambda x: F[name](x) * x**i, pieces(name, lo, hi))
    return list(mp.lu_solve(g, b))


def peaks(e, grid):
    """Extrema of e over the grid, each refined by ternary sections."""
    y = [e(x) for x in grid]
    out = []
    for i in range(len(grid)):
        s = 1 if y[i] > 0 else -1
        l, r = max(i - 1, 0), min(i + 1, len(grid) - 1)
        if s * y[i] < s * y[l] or s * y[i] < s * y[r]:
            continue
        best = (grid[i], y[i])
        for a, b in ((grid[l], grid[i]), (grid[i], grid[r])):
            for _ in range(70):
                u, v = a + (b - a) / 3, b - (b - a) / 3
                if s * e(u) < s * e(v):
                    a = u
                else:
                    b = v
            m = (a + b) / 2
            if s * e(m) > s * best[1]:
                best = (m, e(m))
        out.append(best)
    return out


def minimax(name, d, lo, hi):
    n = d + 2
    # One point more than needed, the last left out: symmetric points would level
    # an odd function's error at 0.
    ref = [(lo + hi) / 2 - (hi - lo) / 2 * mp.cos(mp.pi * i / n) for i in range(n)]
    grid = sorted(set([lo + (hi - lo) * i / 400 for i in range(401)] + pieces(name, lo, hi)))
    for step in range(60):
        a = mp.matrix(n, n)
        for i, x in enumerate(ref):
            for k in range(d + 1):
                a[i, k] = x**k
            a[i, d + 1] = (-1) ** i
        s = list(mp.lu_solve(a, mp.matrix([F[name](x) for x in ref])))
        c = s[: d + 1]
        runs = []
        for p in peaks(lambda x: horner(c, x) - F[name](x), grid):
            if runs and runs[-1][1] * p[1] > 0:
                if abs(p[1]) > abs(runs[-1][1]):
                    runs[-1] = p
            else:
                runs.append(p)
        worst = max(abs(p[1]) for p in runs)
        if len(runs) < n:
            raise ValueError((name, d, lo, hi, "only", len(runs)))
        windows = [runs[i : i + n] for i in range(len(runs) - n + 1)]
        windows = [w for w in windows if max(abs(p[1]) for p in w) == worst]
        w = max(windows, key=lambda w: min(abs(p[1]) for p in w))
        if worst - min(abs(p[1]) for p in w) < worst * mp.mpf(10) ** -17:
            return c, worst
        ref = [p[0] for p in w]
    raise ValueError((name, d, lo, hi, "no convergence"))


def main():
    cases = []
    for name in F:
        for d, lo, hi in ((3, -4, 4), (5, -8, 8), (2, -1, 1), (9, -6, 6), (3, -2, 5), (6, -3, 1), (15, -8, 8)):
            lo, hi = mp.mpf(lo), mp.mpf(hi)
            for method in ("taylor", "chebyshev", "leastsquares", "minimax"):
                if method == "taylor" and name == "relu":
                    continue
                worst = None
                if method == "minimax":
                    if d == 15 and name != "sigmoid":
                        continue
                    a, worst = minimax(name, d, lo, hi)
                else:
                    a = globals()[method](name, d, lo, hi)
                case = {"function": name, "method": method, "degree": d, "interval": [float(lo), float(hi)],
                        "coefficients": [mp.nstr(x, 20) if abs(x) > 1e-25 else "0" for x in a]}
                if worst is not None:
                    case["worst"] = mp.nstr(worst, 20)
                cases.append(case)
                print(name, method, d, lo, hi, flush=True)
    with open("fits.json", "w") as f:
        f.write('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")


main()
