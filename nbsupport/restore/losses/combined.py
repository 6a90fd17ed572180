"""Weighted sums of a structural loss and L1."""

from __future__ import annotations

from numbers import Real

from torch import Tensor

from .pixel import L1, Loss


class Combination(Loss):
    """(1 - beta) L_i + beta L_j (jadhav2021, equation 6).

    The source names its sums in the order "MS-SSIM and L1", so the structural loss is read as L_i and L1 as L_j.

    Parameters
    ----------
    structural : Loss
    beta : float, 0 to 1
    swapped : bool
        Read L1 as L_i instead, so that beta weighs the structural loss.
    """

    def __init__(self, structural: Loss, *, beta: float, swapped: bool = False) -> None:
        super().__init__()
        if not (isinstance(beta, Real) and 0 <= beta <= 1):
            raise ValueError(f"beta={beta!r} must be a weight from 0 to 1")
        self.structural, self.absolute = structural, L1()
        self.weight_of_l1 = 1 - float(beta) if swapped else float(beta)
        parts = (1 - self.weight_of_l1, structural), (self.weight_of_l1, self.absolute)
        self.description = " + ".join(f"{weight:g} x ({part.description})" for weight, part in parts)

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """Weighted sum of both."""
        share, absolute = self.weight_of_l1, self.absolute.compare(restored, target)
        return (1 - share) * self.structural.compare(restored, target) + share * absolute
