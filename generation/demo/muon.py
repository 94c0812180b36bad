"""How are the denoiser's matrices trained: by steps whose singular values are all alike (Muon)?

After Jordan and others, "Muon: an optimizer for hidden layers in neural networks" (2024): the momentum matrix is
brought near to the closest orthogonal one by a quintic Newton-Schulz iteration. A small network learns here from
about half the pictures that AdamW needs.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

MOMENTUM = 0.95
ITERATIONS = 4
QUINTIC = (3.4445, -4.7750, 2.0315)  # the paper's coefficients: steep at zero, within 0.3 of 1 after five rounds


class Muon(torch.optim.Optimizer):
    """Muon for weights of two or more dimensions; kernels count as matrices (out, in * height * width)."""

    def __init__(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every weight by `lr` times the orthogonal direction, scaled to its shape."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                momentum.lerp_(weight.grad, 1 - MOMENTUM)
                direction = weight.grad.lerp(momentum, MOMENTUM).flatten(1)
                rows, columns = direction.shape
                update = _orthogonal(direction).view_as(weight)
                weight.add_(update, alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)


def _orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Bring all singular values near 1, in bfloat16: the direction need not be exact, and it takes half the time."""
    is_tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if is_tall else matrix
    x: torch.Tensor = (wide / (wide.norm() + 1e-7)).bfloat16()
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    x = x.float()
    return x.T if is_tall else x
