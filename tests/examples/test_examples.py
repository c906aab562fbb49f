"""What holds for every worked example, of whatever lecture."""

import inspect

import pytest

from micrograd_plus import examples
from micrograd_plus.examples import LECTURES, all_examples, all_trainings

EXAMPLES, TRAININGS = all_examples(), all_trainings()
OLD = (
    *("branches", "factoring_chain", "forward_and_reverse", "gates", "micrograd_readme", "moons"),
    *("nine_paths", "product_of_a_sum", "reused_input", "sigmoid_circuit", "sigmoid_gate"),
    *("softmax_loss", "staged_function", "tanh_neuron", "two_layer_network"),
)


def test_a_name_is_that_of_a_lecture_s_module_and_of_a_function_in_it():
    for name, function in {**EXAMPLES, **TRAININGS}.items():
        lecture, _, own = name.partition(".")
        assert getattr(getattr(examples, lecture), own) is function
    assert len(EXAMPLES) == sum(len(lecture.circuits) for lecture in LECTURES)
    assert len(TRAININGS) == sum(len(lecture.trainings) for lecture in LECTURES)


def test_what_once_stood_in_one_module_is_still_found_there():
    for name in OLD:
        assert callable(getattr(examples, name))


@pytest.mark.parametrize("lecture", LECTURES, ids=lambda lecture: lecture.name)
def test_every_public_function_of_a_lecture_is_listed(lecture):
    module = getattr(examples, lecture.name)
    own = {
        name
        for name, thing in vars(module).items()
        if inspect.isfunction(thing)
        and thing.__module__ == module.__name__
        and not name.startswith("_")
        and not inspect.signature(thing).parameters
    }
    listed = {function.__name__ for function in (*lecture.circuits, *lecture.trainings)}
    assert own <= listed


@pytest.mark.parametrize("name", {**EXAMPLES, **TRAININGS})
def test_titles_and_sources(name):
    function = {**EXAMPLES, **TRAININGS}[name]
    lecture = next(lecture for lecture in LECTURES if lecture.name == name.partition(".")[0])
    title, blank, source, *_ = function.__doc__.splitlines()
    assert title
    assert blank == ""
    if lecture.name == "others":
        assert source.strip().startswith(("Stanford", "Matt Mazur", "Andrej Karpathy"))
    else:
        assert source.strip().startswith((lecture.university, "James V Stone"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_circuit_s_labels_are_its_names_and_its_values_its_own(name):
    circuit = EXAMPLES[name]()
    assert [v.label for v in circuit.values()] == [examples.GREEK.get(k, k) for k in circuit]
    first = next(iter(circuit))
    assert EXAMPLES[name]()[first] is not circuit[first], "each call makes its own Values"


# where a step of the leaves' size crosses an edge, so that a difference is no slope
AT_AN_EDGE = {"sharif.threshold_form", "sharif.bias_form", "sharif.or_network", "sharif.same_bit"}


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in AT_AN_EDGE])
def test_gradients_are_what_central_differences_come_near_to(name):
    """To 1e-6 of the gradient, and of the output over the step, whose digits a difference loses."""
    circuit = EXAMPLES[name]()
    *_, output = circuit.values()
    output.backward()
    gradients = {key: v.grad for key, v in circuit.items() if v.primitive is None}
    for key, gradient in gradients.items():
        leaf = circuit[key]
        middle, step = leaf.data, 1e-5
        found = []
        for leaf.data in (middle - step, middle + step):
            found.append(output.forward().data)
        leaf.data = middle
        difference = (found[1] - found[0]) / (2 * step)
        assert difference == pytest.approx(gradient, rel=1e-6, abs=1e-9 + 1e-10 * abs(output.data))
