"""The table: every primitive is one row, and everything else is a way of reading that table.

A row says what a gate computes, how steep it is, what it does to a gradient, where it is smooth,
how it runs elsewhere and how it is tested: see `Primitive`. How to add one stands in README.md
beside this file.
"""

from .activations import *
from .arithmetic import *
from .conditions import *
from .exponentials import *
from .powers import *
from .primitive import *
from .routers import *
from .trigonometry import *

# the names of the rows that come with the package
BUILT_IN = frozenset(row.name for row in primitives())
