"""The chain rule in words: what a node is called, which paths lead to it,
and what each contributes.
"""

from .explanation import explain

__all__ = ["explain"]
