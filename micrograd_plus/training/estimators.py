"""Networks as scikit-learn has them: `Classifier` and `Regressor` work in its pipelines and
searches (extra `data`).

They only translate: `training.fit` trains, on recorded tapes, and an `MLP` is what they hold.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from ..checks import require_unmasked
from ..losses import l2_penalty
from ..nn import MLP
from ..optim import Adam
from ..options import real_number
from ..tape.program import Floats
from ..tape.reals import real_array, require_no_dates
from . import fit, outputs

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.metrics import r2_score
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "estimators need scikit-learn 1.6 or newer: pip install 'micrograd-plus[data]'"
    ) from error


_TINY = float(np.nextafter(0.0, 1.0))  # the smallest float above 0


class _Network(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """What classifier and regressor share.

    `hidden` are the sizes of the hidden layers; `activation` and `init` are an MLP's;
    `learning_rate` is Adam's; `alpha` weighs the squares of the parameters that are added to the
    loss; `validation_fraction` is held out when `early_stopping`, a number of epochs, is given.
    After `fit`, `model_` is the MLP and `history_` what happened.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (50,),
        activation: str = "relu",
        init: str = "he",
        learning_rate: float = 0.001,
        alpha: float = 1e-4,
        epochs: int = 200,
        batch_size: int | None = 32,
        early_stopping: int | None = None,
        validation_fraction: float = 0.1,
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.init = init
        self.learning_rate = learning_rate
        self.alpha = alpha
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def _train(self, X: Floats, targets: Floats, outputs: int, loss: str) -> None:  # noqa: N803
        no_order = isinstance(self.hidden, (str, AbstractSet, Mapping))
        if no_order or not isinstance(self.hidden, Iterable):
            raise TypeError(
                "hidden has the sizes of the hidden layers in a tuple or a list, as in "
                f"hidden=(16, 16), not {self.hidden!r}"
            )
        alpha = real_number(self.alpha, "alpha, the weight of the squares of the parameters,")
        if not 0.0 <= alpha < np.inf:
            raise ValueError(f"alpha is the weight of a penalty, 0 or more, not {alpha}")
        if self.early_stopping is True:
            raise TypeError(
                "early_stopping is the number of epochs to wait, as in "
                "early_stopping=10, or None, not True"
            )
        patience = self.early_stopping or None
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.model_ = MLP(
            X.shape[1],
            [*self.hidden, outputs],
            activation=self.activation,
            init=self.init,
            rng=random.Random(seed),  # noqa: S311  # weights need no secrets
        )

        def penalty(parameters: Any) -> Any:
            return alpha * l2_penalty(parameters)

        self.history_ = fit(
            self.model_,
            X,
            targets,
            loss=loss,
            optimizer=Adam(self.learning_rate),
            epochs=self.epochs,
            seed=seed,
            batch_size=self.batch_size,
            penalty=penalty if alpha else None,
            early_stopping=patience,
            validation=self.validation_fraction if patience else None,
            progress=False,
        )
        self.n_iter_ = len(self.history_.losses)

    def _read(self, X: Any, y: Any, **options: Any) -> Any:  # noqa: N803
        """The examples and their targets, by scikit-learn's checks;
        these would drop a mask and take dates for numbers.
        """
        require_no_dates(X, "X")
        require_unmasked(y, "y")
        return validate_data(self, X, y, dtype=np.float64, **options)

    def _outputs(self, X: Any) -> Floats:  # noqa: N803
        if not self._passes(X):
            check_is_fitted(self)
            require_no_dates(X, "X")
            X = validate_data(self, X, dtype=np.float64, reset=False)  # noqa: N806
        return outputs(self.model_, X)

    def _passes(self, X: Any) -> bool:  # noqa: N803
        """Whether scikit-learn's checks, which take longer than a network, would let X pass."""
        if type(X) is not np.ndarray or X.dtype != np.float64 or X.ndim != 2 or not X.size:
            return False
        if not hasattr(self, "model_") or hasattr(self, "feature_names_in_"):
            return False
        return X.shape[1] == self.n_features_in_ and bool(np.isfinite(X).all())


class Classifier(ClassifierMixin, _Network):  # type: ignore[misc]
    """A network with a softmax output that tells classes apart;
    see the parameters of `_Network`.
    """

    def fit(self, X: Any, y: Any) -> Classifier:  # noqa: N803
        """Learn from examples `X`, an array (examples, inputs), and their classes `y`.

        Raises ValueError when these are of fewer than two classes.
        """
        examples, classes = self._read(X, y)
        check_classification_targets(classes)
        self.classes_, targets = np.unique(classes, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "a Classifier needs examples of at least 2 classes, but there is 1 class"
            )
        self._train(examples, targets.astype(np.float64), len(self.classes_), "cross_entropy")
        return self

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803
        """The probability of each class, in the order of `classes_`: shape (examples, classes)."""
        scores = self._outputs(X)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities: Floats = shares / shares.sum(axis=1, keepdims=True)
        return probabilities

    def predict(self, X: Any) -> Any:  # noqa: N803
        """The most probable class of each example."""
        best = self._outputs(X).argmax(axis=1)
        return self.classes_[best]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803
        """The share of examples whose class is predicted right."""
        require_unmasked(y, "y")
        require_unmasked(sample_weight, "sample_weight")
        score: float = super().score(X, y, sample_weight)
        return score


class Regressor(RegressorMixin, _Network):  # type: ignore[misc]
    """A network that predicts a number; see the parameters of `_Network`.

    It learns targets that are scaled to mean 0 and variance 1, of whatever size they are. After
    `fit`, `offset_` and `scale_` are what they were scaled by: their mean, and their standard
    deviation, or where that is 0 a number of their size.
    """

    def fit(self, X: Any, y: Any) -> Regressor:  # noqa: N803
        """Learn from examples `X`, an array (examples, inputs), and their numbers `y`."""
        require_no_dates(y, "y")
        examples, numbers = self._read(X, y, y_numeric=True)
        scaled, self._exponent = _near_one(numbers.astype(np.float64))
        spread = scaled.std() or 0.5
        self.offset_ = float(np.ldexp(scaled.mean(), self._exponent))
        self.scale_ = float(np.ldexp(spread, self._exponent)) or _TINY
        offset, scale = self._scaling()
        self._train(examples, (scaled - offset) / scale, 1, "squared_error")
        return self

    def predict(self, X: Any) -> Floats:  # noqa: N803
        """The number of each example."""
        out = self._outputs(X)[:, 0]
        offset, scale = self._scaling()
        with np.errstate(over="ignore"):  # beyond all floats is inf
            found: Floats = np.ldexp(out * scale + offset, self._exponent)
        return found

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803
        """R², as scikit-learn has it: 1 is perfect, 0 no better than the mean of y."""
        require_unmasked(sample_weight, "sample_weight")
        numbers, exponent = _near_one(real_array(y, "y"))
        found = np.ldexp(self.predict(X), -exponent)
        score: float = r2_score(numbers, found, sample_weight=sample_weight)
        return score

    def _scaling(self) -> tuple[float, float]:
        """The offset and the scale of targets of which a power of two has been taken out."""
        offset, scale = np.ldexp((self.offset_, self.scale_), -self._exponent).tolist()
        return offset, scale


def _near_one(numbers: Floats) -> tuple[Floats, int]:
    """The numbers less a power of two, none above 1, and its exponent:
    exact, and they have squares.
    """
    exponent = int(np.frexp(np.abs(numbers).max(initial=0.0))[1])
    return np.ldexp(numbers, -exponent), exponent
