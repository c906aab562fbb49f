"""University of Edinburgh, Machine Learning Practical, lecture 3: Deep Neural Networks (1), October
2019, section by section.
"""

from __future__ import annotations

from .circuits import Circuits, Trainings

UNIVERSITY = "University of Edinburgh"
TITLE = "Machine Learning Practical, lecture 3: Hidden layers; Back-propagation"

EXAMPLES: Circuits = ()
TRAININGS: Trainings = ()
