#!/usr/bin/env python3
"""Writes conv.json, reference vectors for operators, their gradients and Adam.

Run in this folder with PyTorch: python3 conv.py

Every case holds an operator with its attributes, inputs, output, the upstream
gradient g of the output, and the gradients of sum(g * output) with respect to
all inputs, computed by PyTorch's autograd in float64. Arrays are row-major;
images are [N, C, H, W] and convolution weights [C out, C in, H, W]. Kernel,
stride and pad are [H, W].

  conv2d                 no bias; the kernel is not flipped
  avg_pool2d             windows that do not fit are left out; count_include_pad
                         says whether padding counts in a window's divisor
  softmax_cross_entropy  mean over rows of logits [N, classes]; labels are classes
  tanh, sigmoid, relu, square    element by element; relu's gradient at 0 is 0
  adam                   no upstream and no grads: from inputs param [n] and
                         gradients [steps, n], output [steps, n] is the parameter
                         after each step

Images and weights are small multiples of 1/16, so conv2d and avg_pool2d with a kernel of a
power of two elements are exact, also in float32. PyTorch's tanh, sigmoid, exp
and log may be off by 1 ulp of float64.
"""

import json

import torch
import torch.nn.functional as F

SEED = 1
torch.set_default_dtype(torch.float64)


def sixteenths(rng, *shape):
    return torch.randint(-24, 25, shape, generator=rng).double() / 16


def array(t):
    return {"shape": list(t.shape), "data": t.detach().reshape(-1).tolist()}


def case(op, attrs, function, rng, **inputs):
    for t in inputs.values():
        t.requires_grad_(True)
    output = function(*inputs.values())
    upstream = sixteenths(rng, *output.shape)
    output.backward(upstream)
    return dict(op=op, attrs=attrs, inputs={k: array(t) for k, t in inputs.items()},
                output=array(output), upstream=array(upstream),
                grads={k: array(t.grad) for k, t in inputs.items()})


def convolutions(rng):
    for size, channels, kernel, stride, pad in [
        (6, (2, 3), (3, 3), (1, 1), (0, 0)),
        (6, (3, 2), (3, 3), (1, 1), (1, 1)),
        (6, (2, 2), (3, 3), (1, 1), (2, 2)),
        (7, (2, 3), (3, 3), (2, 2), (0, 0)),
        (6, (3, 2), (3, 3), (2, 2), (0, 0)),  # the last row and column take no part
        (7, (3, 3), (3, 3), (2, 2), (1, 1)),
        (6, (2, 3), (5, 5), (2, 2), (2, 2)),
        (6, (3, 3), (1, 1), (1, 1), (0, 0)),
        (7, (2, 2), (3, 2), (2, 1), (1, 0)),
    ]:
        cin, cout = channels
        yield case("conv2d", dict(kernel=kernel, stride=stride, pad=pad),
                   lambda x, w: F.conv2d(x, w, stride=stride, padding=pad), rng,
                   x=sixteenths(rng, 2, cin, size, size), w=sixteenths(rng, cout, cin, *kernel))


def pools(rng):
    for size, kernel, stride, pad, include in [
        (6, (2, 2), (2, 2), (0, 0), True),
        (7, (2, 2), (2, 2), (0, 0), True),
        (7, (3, 3), (2, 2), (0, 0), True),
        (6, (2, 2), (1, 1), (0, 0), True),
        (6, (3, 3), (1, 1), (1, 1), True),
        (6, (3, 3), (2, 2), (1, 1), False),
        (7, (1, 2), (1, 2), (0, 0), True),
    ]:
        yield case("avg_pool2d", dict(kernel=kernel, stride=stride, pad=pad, count_include_pad=include),
                   lambda x: F.avg_pool2d(x, kernel, stride, pad, count_include_pad=include), rng,
                   x=sixteenths(rng, 2, 2, size, size))


def losses(rng):
    for shape, scale in [((2, 3), 1), ((4, 10), 4), ((3, 5), 400), ((1, 2), 0)]:
        labels = torch.randint(0, shape[1], shape[:1], generator=rng)
        yield case("softmax_cross_entropy", dict(labels=labels.tolist(), reduction="mean"),
                   lambda x: F.cross_entropy(x, labels), rng, logits=scale * sixteenths(rng, *shape))


def elementwise(rng):
    for op, function in dict(tanh=torch.tanh, sigmoid=torch.sigmoid, relu=torch.relu, square=torch.square).items():
        x = sixteenths(rng, 2, 3, 6)
        x[0, 0] = torch.tensor([0, 1e-9, -1e-9, 30, -30, 0.5])
        yield case(op, {}, function, rng, x=x)


def adam(rng):
    attrs = dict(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8)
    param, gradients = sixteenths(rng, 6), sixteenths(rng, 5, 6)
    gradients[:, 1] = 0
    gradients[:3, 2] = 0
    gradients[:, 3] *= 1e-7  # where eps matters
    gradients[:, 4] *= 1000
    p = param.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([p], lr=attrs["lr"], betas=(attrs["beta1"], attrs["beta2"]), eps=attrs["eps"])
    steps = []
    for g in gradients:
        p.grad = g.clone()
        optimizer.step()
        steps.append(p.detach().clone())
    yield dict(op="adam", attrs=attrs, inputs=dict(param=array(param), gradients=array(gradients)),
               output=array(torch.stack(steps)))


def main():
    rng = torch.Generator().manual_seed(SEED)
    cases = [c for kind in (convolutions, pools, losses, elementwise, adam) for c in kind(rng)]
    made = dict(script="conv.py", seed=SEED, torch=torch.__version__)
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    with open("conv.json", "w") as f:
        f.write('{"generator":%s,\n"cases":[\n%s\n]}\n' % (json.dumps(made), lines))


main()
