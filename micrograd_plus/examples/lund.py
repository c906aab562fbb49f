"""Lund University, FMAN45 Machine Learning, lecture 7: Neural Networks, section by section."""

from __future__ import annotations

from .circuits import Circuits, Trainings

UNIVERSITY = "Lund University"
TITLE = "Machine Learning, lecture 7: Neural Networks"

EXAMPLES: Circuits = ()
TRAININGS: Trainings = ()
