#!/usr/bin/env python3
"""tests/golden/make_nn_golden.py OUT - tensors of a PatchTST with 64 features, for tests/unit/nn/test_patchtst.c.

Weights follow from their names (weights_of below, and again in the test), so that the file holds what torch made of them
alone: forecast, loss, gradients, running moments. Computed in double: in floats torch's own rounding would be as large as
what the test allows, where a gradient is small because BatchNorm takes most of it away."""

import sys

import torch
from torch_models import PatchTST, write_safetensors


def hash32(x):
    x = (x ^ x >> 16) * 0x7FEB352D & 0xFFFFFFFF
    x = (x ^ x >> 15) * 0x846CA68B & 0xFFFFFFFF
    return x ^ x >> 16


def weights_of(name, n):
    seed = 2166136261  # FNV-1a
    for c in name.encode():
        seed = (seed ^ c) * 16777619 & 0xFFFFFFFF
    u = torch.tensor([hash32(seed + i & 0xFFFFFFFF) / 2**32 - 0.5 for i in range(n)], dtype=torch.float64)
    return (1 + u / 2 if "norm" in name and name.endswith("weight") else u * 0.3).float()


def main():
    settings = {"d_model": 64, "n_heads": 4, "d_ff": 32, "e_layers": 2, "patch_len": 8, "stride": 5}
    torch.manual_seed(64)
    m = PatchTST(44, 3, 64, 4, 32, 2, 8, 5, dropout=0)
    with torch.no_grad():
        for name, p in m.named_parameters():
            p.copy_(weights_of(name, p.numel()).view(p.shape))
    m.double()
    x, y = (v.float().double() for v in (torch.randn(5, 44, 2).cumsum(1) * 0.1, torch.randn(5, 3, 2)))
    pred = m(x)
    loss = torch.nn.functional.mse_loss(pred, y)
    loss.backward()
    out = {"x": x, "y": y, "pred": pred, "loss": loss.view(1)}
    out.update({"grad." + k: p.grad for k, p in m.named_parameters()})
    m.eval()
    out["pred_eval_after_one_train_forward"] = m(x)
    out.update({"buffer." + k: v for k, v in m.named_buffers() if "running" in k})
    write_safetensors(sys.argv[1], out, {k: str(v) for k, v in settings.items()})


main()
