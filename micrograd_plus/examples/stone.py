"""James V Stone, Sheffield University, Backprop: How it works, and how it fails, by equations."""

from __future__ import annotations

from .circuits import Circuits, Trainings

UNIVERSITY = "Sheffield University"
TITLE = "Backprop: How it works, and how it fails"

EXAMPLES: Circuits = ()
TRAININGS: Trainings = ()
