#!/usr/bin/env python3
"""bench/torch_steps.py BENCH_NN [WORD] - training steps of bench_nn, and beside them those of PyTorch: in turns, on one thread, in CPU
time, after both have worked out the same loss from the same weights. Without torch (Debian: python3-torch) only ours.

Where the kernel allows it all of this runs in the class SCHED_FIFO ("alone"): what else runs on the machine then waits, which
a step on two threads needs, as its figure is wall time. WORD: only cases whose name holds it."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before torch: its BLAS's idle threads spin, and CPU time counts them
    os.environ[name] = "1"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/golden"))
try:
    import torch
    from torch_models import DLinear, LSTM, PatchTST, write_safetensors
except ImportError:
    torch = None

CASES = {  # name: model of a dropout; batch; outputs or None; turns; steps a turn, of which the best counts
    "patchtst_etth": (lambda p=0.3: PatchTST(336, 96, dropout=p), 128, None, 3, 3),
    "patchtst_ettm": (lambda p=0.2: PatchTST(336, 96, 128, 16, 256, dropout=p), 128, None, 3, 1),
    "dlinear_etth": (lambda p=0: DLinear(336, 96), 32, None, 5, 60),
    "lstm_etth": (lambda p=0: LSTM(7, 96 * 7), 32, 96 * 7, 5, 4),
}


def go_alone():
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        return True
    except (OSError, AttributeError):
        return False


def ours(program, *args):
    p = subprocess.run([program, *map(str, args)], stdout=subprocess.PIPE, text=True)
    print(p.stdout, end="", flush=True)
    return p.returncode == 0


def batch_of(name, n):
    outputs = CASES[name][2]
    return torch.randn(n, 336, 7), torch.randn(n, outputs) if outputs else torch.randn(n, 96, 7)


def same_loss(program, name):
    """No dropout, a few windows: the loss of torch's weights, by torch and by us."""
    model = CASES[name][0](0).train()
    x, y = batch_of(name, 4)
    tensors = {"x": x, "y": y, "loss": torch.nn.functional.mse_loss(model(x), y).detach().view(1)}
    tensors.update({k.removeprefix("lstm."): v for k, v in model.named_parameters()})
    with tempfile.TemporaryDirectory() as folder:
        write_safetensors(f"{folder}/{name}", tensors, {})
        return ours(program, "check", name, f"{folder}/{name}")


class Rival:
    def __init__(self, name):
        make, n, _, _, _ = CASES[name]
        self.model = make().train()
        self.adam = torch.optim.Adam(self.model.parameters(), 1e-4)
        self.x, self.y = batch_of(name, n)

    def turn(self, steps):
        return min([self.step() for _ in range(steps + 1)][1:])

    def step(self):
        t = time.process_time()
        self.adam.zero_grad()
        torch.nn.functional.mse_loss(self.model(self.x), self.y).backward()
        self.adam.step()
        return (time.process_time() - t) * 1e3


def beside_torch(program, name):
    rival = Rival(name)
    turns, steps = CASES[name][3:]
    for _ in range(turns):
        print(json.dumps({"bench": "torch_step", "which": name, "torch": torch.__version__,
                          "cpu_ms": round(rival.turn(steps), 2)}), flush=True)  # fmt: skip
        ours(program, "turn", name, steps)


def main():
    program, word = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    alone, load = go_alone(), os.getloadavg()[0]
    print(json.dumps({"bench": "nn_class", "alone": alone, "load": round(load, 1)}), flush=True)
    good = ours(program, "own", word)
    if torch:
        torch.set_num_threads(1)
        torch.manual_seed(1)
        for name in CASES:
            if word not in name:
                continue
            if same_loss(program, name):
                beside_torch(program, name)
            else:
                good = False
    return 0 if good else 1


sys.exit(main())
