"""What a reconstruction must know of the pattern, and what is said when it cannot be found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nbsupport.simulate.illumination import Pattern


class SimError(ValueError):
    """The frames cannot be reconstructed; the message says what is wrong with them."""


class SimWarning(UserWarning):
    """Something about the frames or the fit that makes the result doubtful."""


@dataclass(frozen=True, eq=False)
class Parameters(Pattern):
    """A pattern that was found in raw frames, and how well it was found.

    Parameters
    ----------
    wave_vector_per_um, phase_rad, modulation
        As in `Pattern`. `modulation` is what a reconstruction uses.
    modulation_fitted : ndarray, (angle, order)
        The modulation as fitted; where it was not credible, `modulation` holds the fallback instead.
    significance : ndarray, (angle,)
        Correlation of the zero band with the highest one in what both hold, over the standard deviation that it would
        have by chance; below 5 without a pattern.
    frame_phase_rad : ndarray, (angle, phase)
        Phase of every frame, each found by itself.
    """

    modulation_fitted: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    significance: np.ndarray = field(default_factory=lambda: np.empty(0))
    frame_phase_rad: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def replaced(self) -> np.ndarray:
        """Which modulations are the fallback, (angle, order)."""
        return self.modulation != self.modulation_fitted


def described(parameters: Parameters) -> str:
    """One line per angle: period, direction, phase and modulation of what was found."""
    lines = []
    for angle, (period, turn) in enumerate(zip(parameters.period_um, parameters.angle_rad, strict=True)):
        depths = [
            f"{depth:.2f}" + (f" (fitted {fitted:.2f}, replaced)" if depth != fitted else "")
            for depth, fitted in zip(parameters.modulation[angle], parameters.modulation_fitted[angle], strict=True)
        ]
        lines.append(
            f"angle {angle}: period {1000 * period:.1f} nm, direction {np.degrees(turn):.2f} degrees, first phase "
            f"{np.degrees(parameters.phase_rad[angle, 0]) % 360:.1f} degrees, modulation {', '.join(depths)}"
        )
    return "\n".join(lines)
