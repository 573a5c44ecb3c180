#!/usr/bin/env python3
"""bench/torch_steps.py [WORD] - the steps of bench_nn.c in PyTorch, one thread, CPU time: the rival's figures, from the same
run. Prints nothing where torch is not installed (Debian: python3-torch)."""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/golden"))
try:
    import torch
    from torch_models import DLinear, LSTM, PatchTST
except ImportError:
    sys.exit(0)


def step_ms(model, x, y, steps):
    model.train()
    adam = torch.optim.Adam(model.parameters(), 1e-4)
    best = 1e9
    for i in range(steps + 1):
        t = time.process_time()
        adam.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        adam.step()
        if i > 0:
            best = min(best, time.process_time() - t)
    return best * 1e3


CASES = {  # name: model, batch, lookback, horizon, channels, outputs or None, steps
    "patchtst_etth": (lambda: PatchTST(336, 96), 128, 336, 96, 7, None, 5),
    "patchtst_ettm": (lambda: PatchTST(336, 96, 128, 16, 256, dropout=0.2), 128, 336, 96, 7, None, 1),
    "dlinear_etth": (lambda: DLinear(336, 96), 32, 336, 96, 7, None, 100),
    "lstm_etth": (lambda: LSTM(7, 96 * 7), 32, 336, 96, 7, 96 * 7, 5),
}

torch.set_num_threads(1)
for name, (make, batch, lookback, horizon, channels, outputs, steps) in CASES.items():
    if len(sys.argv) > 1 and sys.argv[1] not in name:
        continue
    torch.manual_seed(1)
    x = torch.randn(batch, lookback, channels)
    y = torch.randn(batch, outputs) if outputs else torch.randn(batch, horizon, channels)
    ms = step_ms(make(), x, y, steps)
    print(json.dumps({"bench": "torch_step", "which": name, "torch": torch.__version__, "cpu_ms": round(ms, 2)}), flush=True)
