"""Other people's scalars, PyTorch's and XAD's, for programs that compute number by number.

Each makes leaves from floats and gives the gradient of what was computed from them as floats again.
Between the two it is the number's own operators and its methods `exp`, `log` and `relu` that run,
and `data`, which has no gradient. All are float64.
"""

import importlib.util


class Torch:
    """Tensors without axes."""

    def __init__(self):
        import torch

        torch.set_num_threads(1)
        torch.set_default_dtype(torch.float64)
        self.tensor = torch.tensor

    def leaves(self, numbers):
        return [self.tensor(number, requires_grad=True) for number in numbers]

    def gradient(self, out, leaves):
        out.backward()
        return [0.0 if leaf.grad is None else leaf.grad.item() for leaf in leaves]


class Xad:
    """XAD's numbers on one tape, recorded anew from each set of leaves on; the functions of its
    module stand as methods in its type.
    """

    def __init__(self):
        import xad.adj_1st
        import xad.math

        self.real, self.tape = xad.adj_1st.Real, xad.adj_1st.Tape()
        self.tape.activate()
        # functions in C would not become methods
        self.real.exp = lambda x: xad.math.exp(x)  # noqa: PLW0108
        self.real.log = lambda x: xad.math.log(x)  # noqa: PLW0108
        self.real.relu = lambda x: xad.math.max(x, 0.0)
        self.real.data = property(self.real.getValue)

    def leaves(self, numbers):
        self.tape.clearAll()
        found = list(map(self.real, numbers))
        self.tape.registerInputs(found)
        self.tape.newRecording()
        return found

    def gradient(self, out, leaves):
        self.tape.registerOutput(out)
        out.setDerivative(1.0)
        self.tape.computeAdjoints()
        return [leaf.getDerivative() for leaf in leaves]


class Own:
    """A class of numbers whose leaves keep their gradients, as micrograd's and ours."""

    def __init__(self, number):
        self.number = number

    def leaves(self, numbers):
        return list(map(self.number, numbers))

    def gradient(self, out, leaves):
        out.backward()
        return [leaf.grad for leaf in leaves]


PEERS = {"torch": Torch, "xad": Xad}


def present(names):
    """Those of the contestants that are here, our own among them; says which are not."""
    missing = [
        name
        for name in names
        if name in ("micrograd", *PEERS) and importlib.util.find_spec(name) is None
    ]
    for name in missing:
        print(f"{name} is not installed, so it does not take part")
    return [name for name in names if name not in missing]
