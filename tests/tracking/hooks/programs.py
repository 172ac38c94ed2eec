"""Training programs that know nothing of footprint; each prints the bits of its losses."""

from __future__ import annotations

WITH_COMPILER = """
import sys, time, torch
from torch import nn
torch.set_num_threads(1)
torch.manual_seed(7)
def show(loss): print(float(loss).hex())
def wait_for_trace():
    import glob, os
    while os.environ.get("TRACED") and not glob.glob(os.environ["TRACED"]): time.sleep(0.05)
"""

NO_COMPILER = """
import sys, types
sys.modules["torch._dynamo"] = types.SimpleNamespace(
    graph_break=lambda: None, disable=lambda function, *_, **__: function
)
"""
"""An optimiser of torch imports torch's compiler: half of a start. These programs compile nothing."""
HEAD = NO_COMPILER + WITH_COMPILER

TRANSFORMER = (
    WITH_COMPILER
    + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.2, batch_first=True)
        self.table, self.blocks = nn.Embedding(50, 32), nn.TransformerEncoder(block, 2)
        self.head = nn.Linear(32, 50)
    def forward(self, ids):
        return self.head(self.blocks(self.table(ids)))
net = Net()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
plan = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)
for step in range(40):
    ids = torch.randint(0, 50, (8, 16))
    loss = nn.functional.cross_entropy(net(ids).flatten(0, 1), ids.flatten())
    optimizer.zero_grad(); loss.backward(); optimizer.step(); plan.step()
    show(loss)
wait_for_trace()
print(sum(weight.double().sum() for weight in net.parameters()).item().hex(), torch.rand(1).item().hex())
"""
)

CONVOLUTION = (
    HEAD
    + """
import random
random.seed(1)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.two, self.head = nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 10)
    def forward(self, images, labels=None):
        found = torch.relu(self.norm(self.one(images)))
        if random.random() < 0.5:
            found = found + torch.relu(self.two(found))
        found = self.head(nn.functional.dropout(found.mean((2, 3)), 0.1, self.training))
        return nn.functional.cross_entropy(found, labels)
net = Net()
data = torch.utils.data.TensorDataset(torch.randn(70, 3, 12, 12), torch.randint(0, 10, (70,)))
loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True, num_workers=2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for epoch in range(3):
    for images, labels in loader:
        with torch.autocast("cpu", torch.bfloat16):
            loss = net(images, labels=labels)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        show(loss)
    net.eval()
    with torch.no_grad():
        show(net(images, labels=labels))
    net.train()
wait_for_trace()
print(net.norm.running_mean.sum().item().hex(), net.norm.num_batches_tracked.item(), random.random())
"""
)

SIDE_EFFECTS = (
    HEAD
    + """
import functools
calls, log = [], open("log.txt", "a")
@functools.lru_cache
def table(size, number):
    calls.append("made")
    return torch.arange(size) / size
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.register_buffer("seen", torch.zeros(()))
    def forward(self, x):
        calls.append(len(x))
        self.seen += 1
        print("called", len(calls)); log.write("called\\n"); log.flush()
        return self.layer(x) * table(8, len(calls) // 4)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(12):
    loss = net(torch.randn(4, 8)).square().mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    show(loss); time.sleep(0.05)
wait_for_trace()
print(calls, net.seen.item(), len(open("log.txt").readlines()))
"""
)
