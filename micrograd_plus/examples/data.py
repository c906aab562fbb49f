"""Data that several lectures' trainings take."""

from __future__ import annotations

from typing import Any


def digits() -> tuple[Any, Any]:
    """The handwritten digits of scikit-learn: 64 grey values of 0 to 16 a row, and what each is.

    Raises ImportError without scikit-learn.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ImportError(
            'the digits come from scikit-learn: `pip install "micrograd-plus[data]"`'
        ) from None
    images, classes = load_digits(return_X_y=True)
    return images, classes
