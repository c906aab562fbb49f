"""Ten exercises whose authors publish the answer, each explained beside what they write.

    python tests/helpers/published.py

prints every explanation whole, below its author's result in their digits.
"""

from collections.abc import Callable
from dataclasses import dataclass

from micrograd_plus import Value, examples


@dataclass(frozen=True)
class Exercise:
    """An exercise: whose it is, the circuit, the leaf, and the author's digits.

    `written` is the author's result, in the notation of explanations; each line is one of them.
    """

    author: str
    make: Callable[[], dict[str, Value]]
    leaf: str
    digits: int | None
    written: tuple[str, ...]

    def explained(self):
        """The explanation, in the author's digits."""
        *_, output = self.make().values()
        return output.explain(self.leaf, digits=self.digits)


EXERCISES = {
    "cs231n: (x + y)z": Exercise(
        "Stanford CS231n notes: df/dq = z = −4; df/dx = df/dq · dq/dx = −4 · 1",
        examples.product_of_a_sum,
        "x",
        2,
        (
            "∂f/∂x = −4·1 = −4",
            "1. x → q → f: ∂f/∂q·∂q/∂x = −4·1 = −4",
            "∂f/∂q = z = −4",
            "∂f/∂x = ∂f/∂q·∂q/∂x = −4·1 = −4",
        ),
    ),
    "cs231n: the sigmoid circuit": Exercise(
        "Stanford CS231n notes: the gradient at the gates is 1, −0.53, −0.53, −0.20, 0.20, 0.20, "
        "0.20; −0.20 at w0",
        examples.sigmoid_circuit,
        "w0",
        2,
        (
            "f = 1 ÷ den: div scales, ∂f/∂den = −1/den² = −1/1.37² = −0.53",
            "exp = exp(neg): exp scales, ∂exp/∂neg = e^neg = e^(−1) = 0.37",
            "∂f/∂den = −1/den² = −1/1.37² = −0.53",
            "∂f/∂exp = ∂f/∂den·∂den/∂exp = −0.53·1 = −0.53",
            "∂f/∂neg = ∂f/∂exp·∂exp/∂neg = −0.53·0.37 = −0.2",
            "∂f/∂z = ∂f/∂neg·∂neg/∂z = −0.2·(−1) = 0.2",
            "∂f/∂w0 = ∂f/∂w0x0·∂w0x0/∂w0 = 0.2·(−1) = −0.2",
        ),
    ),
    "cs231n: staged computation": Exercise(
        "Stanford CS231n notes: dinvden = num; dden = (−1/den²)·dinvden; dxpysqr = dden; "
        "dxpy = 2xpy·dxpysqr; dsigx = dden; dx gathers dxpy, (1 − sigx)sigx·dsigx and dnum",
        examples.staged_function,
        "x",
        4,
        (
            "∂f/∂invden = num = 3.018",
            "invden = 1 ÷ den: div scales, ∂invden/∂den = −1/den² = −1/1.9526² = −0.2623",
            "xpysqr = xpy ** 2: pow scales, ∂xpysqr/∂xpy = 2·xpy = 2·(−1) = −2",
            (
                "sigx = sigmoid(x): sigmoid scales, ∂sigx/∂x = sigx·(1 − sigx) = "
                "0.9526·(1 − 0.9526) = 0.04518"
            ),
            "∂f/∂num = invden = 0.5121",
            "∂f/∂x = 0.5121·1 + (−0.7916)·0.04518 + 1.5832·1 = 2.0596",
        ),
    ),
    "Colah: e = (a + b)(b + 1)": Exercise(
        "Olah, Calculus on Computational Graphs: ∂e/∂b = 1·2 + 1·3, over two paths",
        examples.forward_and_reverse,
        "b",
        None,
        (
            "∂e/∂b = 2·1 + 3·1 = 5",
            "1. b → c → e: ∂e/∂c·∂c/∂b = 2·1 = 2",
            "2. b → d → e: ∂e/∂d·∂d/∂b = 3·1 = 3",
            "∂e/∂c = d = 2",
            "∂e/∂d = c = 3",
            "∂e/∂b = ∂e/∂c·∂c/∂b + ∂e/∂d·∂d/∂b = 2·1 + 3·1 = 5",
        ),
    ),
    "RWTH: nine paths": Exercise(
        "RWTH Aachen, Factoring Paths: ∂z/∂x = (α + β + γ)·(δ + ε + ζ), not nine products",
        examples.nine_paths,
        "x",
        None,
        (
            (
                "9 paths lead from x to z; the 5 largest products are listed, 4 more are not, "
                "and add up to 23."
            ),
            "∂z/∂y = ∂(δ × y)/∂y + ∂(ε × y)/∂y + ∂(ζ × y)/∂y = 4 + 5 + 6 = 15",
            (
                "∂z/∂x = ∂z/∂y·∂(α × x)/∂x + ∂z/∂y·∂(β × x)/∂x + ∂z/∂y·∂(γ × x)/∂x = "
                "15·1 + 15·2 + 15·3 = 90"
            ),
        ),
    ),
    "Mazur: an output weight": Exercise(
        "Mazur, A Step by Step Backpropagation Example: ∂E/∂out = 0.74136507, ∂out/∂net = "
        "0.186815602, ∂net/∂w5 = 0.593269992; together 0.082167041",
        examples.two_layer_network,
        "w5",
        9,
        (
            (
                "o1 = sigmoid(net3): sigmoid scales, ∂o1/∂net3 = o1·(1 − o1) = "
                "0.75136507·(1 − 0.75136507) = 0.186815602"
            ),
            "w5 × h1: mul swaps, w5 gets the gradient times the other factor, h1 = 0.593269992",
            "∂E/∂o1 = ∂E/∂(t1 − o1)·∂(t1 − o1)/∂o1 = −0.74136507·(−1) = 0.74136507",
            "∂E/∂net3 = ∂E/∂o1·∂o1/∂net3 = 0.74136507·0.186815602 = 0.138498562",
            "∂E/∂w5 = ∂E/∂net3·∂(w5 × h1)/∂w5 = 0.138498562·0.593269992 = 0.0821670406",
        ),
    ),
    "Mazur: a hidden weight": Exercise(
        "Mazur, A Step by Step Backpropagation Example: ∂E/∂out_h1 = 0.055399425 − 0.019049119 = "
        "0.036350306, ∂out_h1/∂net_h1 = 0.241300709, ∂net_h1/∂w1 = 0.05; together 0.000438568",
        examples.two_layer_network,
        "w1",
        4,
        (
            "2 paths lead from w1 to E; the gradient is the sum of their products.",
            (
                "1. w1 → net1 → h1 → net3 → o1 → E1 → E: "
                "0.5·(−1.4827)·(−1)·0.1868·0.4·0.2413·0.05 = 0.0006684"
            ),
            (
                "∂E/∂h1 = ∂E/∂net3·∂(w5 × h1)/∂h1 + ∂E/∂net4·∂(w7 × h1)/∂h1 = "
                "0.1385·0.4 + (−0.0381)·0.5 = 0.03635"
            ),
            "∂E/∂net1 = ∂E/∂h1·∂h1/∂net1 = 0.03635·0.2413 = 0.008771",
            "∂E/∂w1 = ∂E/∂net1·∂(w1 × i1)/∂w1 = 0.008771·0.05 = 0.0004386",
        ),
    ),
    "cs231n: the score of the right class": Exercise(
        "Stanford CS231n notes: probabilities 0.016, 0.631, 0.353; the gradient of the loss is "
        "p − 1 at the right class",
        examples.softmax_loss,
        "s3",
        3,
        (
            "∂L/∂s3 = p − 1 = 0.353 − 1 = −0.647",
            (
                "lse = logsumexp(s1, s2, s3): logsumexp scales, ∂lse/∂s3 = p = e^(s3 − lse) = "
                "e^(0.28 − 1.32) = 0.353"
            ),
            "∂L/∂s3 = 1·0.353 + (−1) = −0.647",
        ),
    ),
    "cs231n: the score of another class": Exercise(
        "Stanford CS231n notes: the gradient of the loss is p at every other class",
        examples.softmax_loss,
        "s2",
        3,
        ("∂L/∂s2 = p = 0.631", "1. s2 → lse → L: ∂L/∂lse·∂lse/∂s2 = 1·0.631 = 0.631"),
    ),
    "Karpathy: a neuron with tanh": Exercise(
        "Karpathy, The spelled-out intro: do/dn = 1 − o² = 0.5, handed on by both sums; "
        "w1.grad = x1 · 0.5 = 1",
        examples.tanh_neuron,
        "w1",
        4,
        (
            "∂o/∂w1 = 0.5·1·1·2 = 1",
            "o = tanh(n): tanh scales, ∂o/∂n = 1 − o² = 1 − 0.7071² = 0.5",
            "∂o/∂s = ∂o/∂n·∂n/∂s = 0.5·1 = 0.5",
            "∂o/∂w1 = ∂o/∂x1w1·∂x1w1/∂w1 = 0.5·2 = 1",
        ),
    ),
}


if __name__ == "__main__":
    for name, exercise in EXERCISES.items():
        print(f"{name}\n{exercise.author}\n\n{exercise.explained()}\n\n{'-' * 80}")
