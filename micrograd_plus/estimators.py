"""Networks as scikit-learn has them; see `Classifier` and `Regressor`."""

from .training.estimators import Classifier, Regressor

__all__ = ["Classifier", "Regressor"]
