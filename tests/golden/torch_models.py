"""PatchTST, LSTM and DLinear as torch modules, for two ends: golden tensors (make_nn_golden.py) and the rival of the benches
(bench/torch_steps.py). PatchTST's parameter names are the official repository's, so that one file of tensors fits both; that
it is the same function is checked against ../shared/golden/patchtst by `torch_models.py --check FILE`."""

import json
import struct
import sys

import torch
from torch import nn


class Attention(nn.Module):
    """Heads side by side; the scores of the layer below are added before the softmax."""

    def __init__(self, d, heads, dropout):
        super().__init__()
        self.heads, self.width = heads, d // heads
        self.W_Q, self.W_K, self.W_V = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
        self.to_out = nn.Sequential(nn.Linear(d, d), nn.Dropout(dropout))

    def forward(self, x, below):
        n, tokens, d = x.shape
        q, k, v = (w(x).view(n, tokens, self.heads, self.width).transpose(1, 2) for w in (self.W_Q, self.W_K, self.W_V))
        scores = q @ k.transpose(2, 3) * self.width**-0.5
        if below is not None:
            scores = scores + below
        o = torch.softmax(scores, dim=-1) @ v
        return self.to_out(o.transpose(1, 2).reshape(n, tokens, d)), scores


class Turn(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


class Layer(nn.Module):
    def __init__(self, d, heads, d_ff, dropout):
        super().__init__()
        self.self_attn = Attention(d, heads, dropout)
        self.dropout_attn, self.dropout_ffn = nn.Dropout(dropout), nn.Dropout(dropout)
        self.norm_attn = nn.Sequential(Turn(), nn.BatchNorm1d(d), Turn())
        self.norm_ffn = nn.Sequential(Turn(), nn.BatchNorm1d(d), Turn())
        self.ff = nn.Sequential(nn.Linear(d, d_ff), nn.GELU(), nn.Dropout(dropout), nn.Linear(d_ff, d))

    def forward(self, x, scores):
        o, scores = self.self_attn(x, scores)
        x = self.norm_attn(x + self.dropout_attn(o))
        return self.norm_ffn(x + self.dropout_ffn(self.ff(x))), scores


class Encoder(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)


class Backbone(nn.Module):
    def __init__(self, tokens, d, heads, d_ff, layers, patch, dropout):
        super().__init__()
        self.W_P = nn.Linear(patch, d)
        self.W_pos = nn.Parameter(torch.empty(tokens, d).uniform_(-0.02, 0.02))
        self.dropout = nn.Dropout(dropout)
        self.encoder = Encoder(Layer(d, heads, d_ff, dropout) for _ in range(layers))


class Head(nn.Module):
    def __init__(self, inputs, horizon):
        super().__init__()
        self.linear = nn.Linear(inputs, horizon)


class Inner(nn.Module):
    def __init__(self, tokens, horizon, d, heads, d_ff, layers, patch, dropout):
        super().__init__()
        self.backbone = Backbone(tokens, d, heads, d_ff, layers, patch, dropout)
        self.head = Head(d * tokens, horizon)


class PatchTST(nn.Module):
    def __init__(self, lookback, horizon, d=16, heads=4, d_ff=128, layers=3, patch=16, stride=8, dropout=0.3):
        super().__init__()
        self.patch, self.stride = patch, stride
        self.model = Inner((lookback + stride - patch) // stride + 1, horizon, d, heads, d_ff, layers, patch, dropout)

    def forward(self, x):  # (batch, lookback, channels)
        mean = x.mean(1, keepdim=True).detach()
        scale = torch.sqrt(x.var(1, keepdim=True, unbiased=False) + 1e-5).detach()
        z = ((x - mean) / scale).transpose(1, 2)
        z = nn.functional.pad(z, (0, self.stride), mode="replicate").unfold(-1, self.patch, self.stride)
        n, channels, tokens, _ = z.shape
        b = self.model.backbone
        z, scores = b.dropout(b.W_P(z.reshape(n * channels, tokens, self.patch)) + b.W_pos), None
        for layer in b.encoder.layers:
            z, scores = layer(z, scores)
        y = self.model.head.linear(z.transpose(1, 2).reshape(n, channels, -1))  # feature * tokens + token
        return y.transpose(1, 2) * scale + mean


class LSTM(nn.Module):
    def __init__(self, channels, outputs, hidden=64, layers=2):
        super().__init__()
        self.lstm, self.head = nn.LSTM(channels, hidden, layers, batch_first=True), nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


class DLinear(nn.Module):
    def __init__(self, lookback, horizon, kernel=25):
        super().__init__()
        self.kernel = kernel
        self.Linear_Seasonal, self.Linear_Trend = nn.Linear(lookback, horizon), nn.Linear(lookback, horizon)

    def forward(self, x):
        z, half = x.transpose(1, 2), self.kernel // 2
        trend = nn.functional.avg_pool1d(nn.functional.pad(z, (half, half), mode="replicate"), self.kernel, 1)
        return (self.Linear_Seasonal(z - trend) + self.Linear_Trend(trend)).transpose(1, 2)


def read_safetensors(path):
    raw = open(path, "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    head = json.loads(raw[8 : 8 + n])
    notes = head.pop("__metadata__", {})
    tensors = {}
    for name, t in head.items():
        at, end = t["data_offsets"]
        tensors[name] = torch.frombuffer(bytearray(raw[8 + n + at : 8 + n + end]), dtype=torch.float32).view(t["shape"])
    return tensors, notes


def write_safetensors(path, tensors, notes):
    head, data = {"__metadata__": notes}, b""
    for name, t in tensors.items():
        raw = t.detach().contiguous().numpy().astype("<f4").tobytes()
        head[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)


def check(path):
    """The official model's own tensors: the same forecast and gradients from the class above."""
    want, notes = read_safetensors(path)
    m = PatchTST(int(notes["seq_len"]), int(notes["pred_len"]), dropout=0)
    state = {k[6:]: v for k, v in want.items() if k.startswith("param.")}
    missing, unexpected = m.load_state_dict(state, strict=False)
    assert not unexpected and all("running" in k or "num_batches" in k for k in missing), (missing, unexpected)
    y = m(want["x"])
    loss = nn.functional.mse_loss(y, want["y"])
    loss.backward()
    worst = max((p.grad - want["grad." + k]).abs().max().item() for k, p in m.named_parameters())
    print(f"forecast off by {(y - want['pred']).abs().max():.2g}, loss {loss - want['loss'][0]:.2g}, gradients {worst:.2g}")


if __name__ == "__main__" and sys.argv[1:2] == ["--check"]:
    check(sys.argv[2])
