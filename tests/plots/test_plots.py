"""Plots: each draws exactly what it is told, on the Axes it is given, shows text as it is written,
leaves nothing open.
"""

import copy
import math
import random
import subprocess
import sys
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from mpmath import mp, mpf
from oracle import ORACLES, true_slope
from pictures import PICTURES

from micrograd_plus import Value, detect_anomaly, grad, ops, plots
from micrograd_plus.examples import lund, sharif, stone
from micrograd_plus.nn import MLP, Adaline, Ensemble, Neuron, Perceptron, activations, modular
from micrograd_plus.plots import figure as palette
from micrograd_plus.testing import numerical_gradient

SQUARE = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]
HOSTILE = ["cost $5", "$x$ and $", "$\\frac{", "_hidden", "100 %", "{}\\", "a\nb", "", "<b>&"]


def error(w1, w2):
    return 0.5 * ((w1 - 1.0) ** 2 + 4.0 * (w2 + 0.5) ** 2)


def descent(steps=10, rate=0.2):
    path = [(-0.8, -1.6)]
    for _ in range(steps):
        path.append(
            tuple(w - rate * slope for w, slope in zip(path[-1], grad(error, (0, 1))(*path[-1])))
        )
    return path


DRAWN = {
    "decision_regions": lambda **more: plots.decision_regions(
        lambda x: x[0] - x[1], SQUARE, [-1, 1, 1, -1], **more
    ),
    "loss_curves": lambda **more: plots.loss_curves([3.0, 2.0, 1.5], [3.0, 2.5, 2.6], **more),
    "error_contours": lambda **more: plots.error_contours(error, descent(), resolution=20, **more),
    "fitted_curve": lambda **more: plots.fitted_curve(
        lambda x: 2.0 * x[0], [0.0, 1.0, 2.0], [0.1, 1.9, 4.2], **more
    ),
    "difference_error": lambda **more: plots.difference_error(ops.sigmoid, 2.0, **more),
    "loss_shapes": lambda **more: plots.loss_shapes("hinge", "zero_one", **more),
    "error_curve": lambda **more: plots.error_curve(
        stone.error_of_one_weight, [0.4, 0.352], tangent=0.4, chord=(0.4, -0.1), **more
    ),
    "error_surface": lambda **more: plots.error_surface(error, descent(), resolution=20, **more),
    "activation_curves": lambda **more: plots.activation_curves(
        "tanh", "relu", resolution=50, **more
    ),
    "hinton_diagram": lambda **more: plots.hinton_diagram([[1.0, -0.5], [0.0, 0.25]], **more),
    "template_updates": lambda **more: plots.template_updates([np.eye(4), -np.eye(4)], **more),
    "weight_templates": lambda **more: plots.weight_templates(np.eye(4), **more),
    "gradient_histograms": lambda **more: plots.gradient_histograms(
        {"a": [0.1, 0.0], "b": [1e-3, 2.0]}, **more
    ),
}
every_plot = pytest.mark.parametrize("draw", DRAWN.values(), ids=list(DRAWN))
flat = pytest.mark.parametrize("draw", [d for name, d in DRAWN.items() if name != "error_surface"])


@pytest.fixture(autouse=True)
def _nothing_stays_open():
    yield
    left = plt.get_fignums()
    plt.close("all")
    assert len(left) <= 1, "a plot makes one figure at most"


@pytest.fixture
def ax():
    """An Axes that pyplot knows nothing of."""
    return Figure().add_subplot()


def solid():
    return Figure().add_subplot(projection="3d")


def paint(ax):
    """Draw all of it, which is when matplotlib finds fault with texts; warnings are errors."""
    ax.figure.figure.draw_without_rendering()
    return ax


def refused(exception, match, draw, *args, **kwargs):
    with pytest.raises(exception, match=match):
        draw(*args, **kwargs)
    assert not plt.get_fignums(), "an error leaves a figure behind"


def key(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def texts(ax):
    return [text.get_text() for text in ax.figure.findobj(Text)]


# What all have in common. -------------------------------------------------------------------------
def test_all_plots_are_tested_together():
    assert sorted([*DRAWN, "panels"]) == sorted(plots.__all__)


@every_plot
def test_a_plot_makes_a_figure_that_pyplot_shows(draw):
    ax = paint(draw())
    assert isinstance(ax, Axes)
    assert plt.get_fignums() == [ax.figure.number]


@every_plot
def test_a_plot_draws_on_the_axes_it_is_given_and_touches_nothing_else(draw):
    other = plt.figure().add_subplot()
    before = dict(rcParams)
    ax = solid() if draw is DRAWN["error_surface"] else Figure().add_subplot()
    assert draw(ax=ax) is ax
    paint(ax)
    assert plt.gca() is other
    assert not other.has_data()
    assert dict(rcParams) == before


@every_plot
def test_a_plot_draws_in_a_part_of_a_figure(draw):
    is_solid = draw is DRAWN["error_surface"]
    part = Figure(layout="constrained").subfigures(1, 2)[1]
    paint(draw(ax=part.add_subplot(projection="3d" if is_solid else None), title="a part"))


@every_plot
def test_titles_and_labels_are_shown_as_they_are_written(draw):
    text = "$5 & $\\frac{ _%"
    labels = (
        {}
        if draw in (DRAWN["weight_templates"], DRAWN["template_updates"])
        else {"labels": (text,) * (2 + (draw is DRAWN["error_surface"]))}
    )
    ax = paint(draw(title=text, **labels))
    for shown in [ax.findobj(lambda t: isinstance(t, Text) and t.get_text() == text)]:
        assert len(shown) == 1 + len(labels.get("labels", ()))
        assert not any(label.get_parse_math() or label.get_usetex() for label in shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *((text, text) for text in HOSTILE if text != HOSTILE[1]),
        (HOSTILE[1], "x and $"),
        ("$\\theta_1$ of $\\hat y$", "θ₁ of ŷ"),
        ("\ttab\x00", "\\ttab\\x00"),
        ("\ud800\u202e", "\\ud800\\u202e"),
    ],
)
def test_whatever_a_text_is(text, shown):
    ax = paint(plots.loss_curves({text: [2.0, 1.0], "b": [1.0]}, title=text, labels=(text, text)))
    assert [ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()] == [shown] * 3
    assert key(ax)[0] == (shown.replace("\n", " ") or "training")


@every_plot
def test_a_title_too_long_for_the_figure_is_cut(draw):
    ax = paint(draw(title="short\n" + "x" * 500))
    first, second = ax.get_title(loc="left").split("\n")
    assert (first, second[:9] + second[-1]) == ("short", "xxxxxxxxx…")
    assert ax.get_position().height > 0.25


@every_plot
def test_a_title_stands_above_the_key_and_the_key_above_the_axes(draw):
    ax = paint(draw(title="Title"))
    renderer = ax.figure.canvas.get_renderer()
    title = next(t for t in ax.findobj(Text) if t.get_text() == "Title").get_window_extent(renderer)
    legend = ax.get_legend().get_window_extent(renderer)
    assert title.y0 >= legend.y1 - 2
    assert legend.y0 >= ax.bbox.y1 - 1


@every_plot
def test_matplotlib_is_asked_for(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'micrograd-plus\[plot\]'"):
        draw()


def test_the_package_can_be_imported_without_matplotlib():
    code = (
        "import sys; sys.modules['matplotlib'] = None; "
        "import micrograd_plus.plots as p; print(len(p.__all__))"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == f"{len(plots.__all__)}\n"
    )


@every_plot
def test_axes_of_the_wrong_kind_are_refused(draw):
    refused(TypeError, "one matplotlib Axes, not list", draw, ax=[1])
    refused(TypeError, "take one", draw, ax=np.array([Figure().add_subplot()]))
    is_solid = draw is DRAWN["error_surface"]
    refused(ValueError, "3-D", draw, ax=Figure().add_subplot() if is_solid else solid())


def luminance(colour):
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """WCAG 2's contrast of two colours, from 1 to 21;
    it asks for 3 where lines and symbols must be seen.
    """
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("background", ["white", "black", "#1e1e1e"])
def test_lines_and_ink_stand_out_from_light_and_dark(background):
    ax = Figure(facecolor=background).add_subplot(facecolor=background)
    assert all(contrast(colour, background) >= 3 for colour in palette.LINES)
    assert contrast(palette.ink(ax), background) > 14
    assert contrast(palette.paper(ax), background) < 2
    for colour in palette.CLASSES:
        tint = [0.25 * c + 0.75 * b for c, b in zip(to_rgb(colour), to_rgb(background))]
        assert contrast(palette.ink(ax), tint) > 7, "outlines of points on every tint"


def test_signs_stand_out_from_grey_and_levels_from_each_other():
    assert min(contrast("white", "#808080"), contrast("black", "#808080")) > 3
    shades = [
        luminance(colour)
        for colour in DRAWN["error_contours"]().collections[0].get_facecolor()[:, :3]
    ]
    assert shades == sorted(shades)


def test_ink_of_transparent_and_of_mixed_backgrounds():
    assert palette.ink(Figure(facecolor="none").add_subplot(facecolor="none")) == "#1A1A1A"
    mixed = Figure(facecolor="black").add_subplot(facecolor="white")
    assert (palette.ink(mixed), palette.ink(mixed, outside=True)) == ("#1A1A1A", "#F2F2F2")


def test_the_pictures_in_readme_are_there_and_small(pytestconfig):
    folder = pytestconfig.rootpath / "notebooks" / "pictures"
    assert all(1_000 < (folder / f"{name}.png").stat().st_size < 100_000 for name in PICTURES)
    ax = solid()
    PICTURES["surface"][0](ax)
    assert key(paint(ax))[0] == "start (−0.8, −1.6)"


# Decision regions. --------------------------------------------------------------------------------
def region(ax, x, y):
    """The class that the picture shows at a point."""
    (image,) = ax.images
    left, right, bottom, top = image.get_extent()
    rows, columns = image.get_array().shape
    return int(
        image.get_array()[
            int((y - bottom) / (top - bottom) * rows), int((x - left) / (right - left) * columns)
        ]
    )


def lines_at(ax, x0, x1, y):
    """Where the drawn lines cross a horizontal one, between x0 and x1, sorted."""
    found = []
    for lines in ax.collections:
        for path in lines.get_paths():
            for (xa, ya), (xb, yb) in zip(path.vertices, path.vertices[1:]):
                if (ya - y) * (yb - y) < 0:
                    found.append(xa + (y - ya) / (yb - ya) * (xb - xa))
    return sorted(x for x in found if x0 < x < x1)


def test_a_half_plane_with_its_boundary_and_margin():
    ax = plots.decision_regions(lambda x: 4.0 * x[0] - 2.0, SQUARE, [-1, -1, 1, 1])
    assert (
        region(ax, 0.45, 0.3),
        region(ax, 0.55, 0.3),
        region(ax, -0.1, 1.1),
        region(ax, 1.1, -0.1),
    ) == (0, 1, 0, 1)
    assert lines_at(ax, -1, 2, 0.4321) == pytest.approx([0.25, 0.5, 0.75], abs=1e-9)
    assert key(ax) == ["class −1", "class 1", "boundary", "margin ±1"]
    assert [line.get_linestyle() for line in ax.get_legend().get_lines()] == [
        "None",
        "None",
        "-",
        "--",
    ]


def test_the_points_are_where_they_are_with_a_marker_for_each_class():
    ax = plots.decision_regions(lambda x: x[0], SQUARE, ["b", "a", "a", "b"])
    first, second = ax.lines
    assert (key(ax)[:2], first.get_marker() != second.get_marker()) == (["a", "b"], True)
    assert first.get_xydata().tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert second.get_xydata().tolist() == [[0.0, 0.0], [1.0, 1.0]]
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    assert (x0, x1, y0, y1) == pytest.approx((-0.15, 1.15, -0.15, 1.15))


@pytest.mark.parametrize("nonlin", [True, False])
def test_a_network_s_regions_are_its_signs(nonlin):
    model = MLP(2, [4, 1], rng=random.Random(3))
    ax = plots.decision_regions(model, SQUARE, [0, 1, 1, 0], resolution=30)
    xs = np.linspace(-0.15, 1.15, 30)
    expected = [[int(model([x, y]).data > 0) for x in xs] for y in xs]
    assert ax.images[0].get_array().tolist() == expected


def test_many_classes_go_to_the_highest_score():
    centres = [(0.0, 0.0), (1.0, 0.0), (0.5, 1.0)]
    ax = plots.decision_regions(
        lambda x: [-((x[0] - a) ** 2) - (x[1] - b) ** 2 for a, b in centres],
        centres,
        [0, 1, 2],
        margin=0.5,
    )
    assert [region(ax, *centre) for centre in centres] == [0, 1, 2]
    assert lines_at(ax, 0, 1, 0.05) == pytest.approx([0.25, 0.5, 0.5, 0.75], abs=1e-3), (
        "each side draws their boundary"
    )
    assert key(ax) == ["class 0", "class 1", "class 2", "boundary", "margin 0.5"]


def test_the_first_of_several_highest_scores_wins():
    ax = plots.decision_regions(lambda x: [0.0, 0.0, -1.0], SQUARE, [0, 1, 2, 2])
    assert not ax.images[0].get_array().any()
    assert "boundary" not in key(ax)


def test_a_sigmoid_s_threshold_is_a_half():
    ax = plots.decision_regions(
        lambda x: ops.sigmoid(10.0 * x[0] - 3.0), SQUARE, [0, 0, 1, 1], threshold=0.5, margin=0.25
    )
    assert (region(ax, 0.25, 0.5), region(ax, 0.35, 0.5)) == (0, 1)
    below, at, above = lines_at(ax, 0, 1, 0.5)
    assert at == pytest.approx(0.3, abs=1e-4)
    assert (below + above) / 2 == pytest.approx(0.3, abs=1e-4)
    assert above - at == pytest.approx(math.log(3) / 10, abs=1e-3)
    none = plots.decision_regions(
        lambda x: ops.sigmoid(x[0]), SQUARE, [0, 0, 1, 1], margin=None, ax=Figure().add_subplot()
    )
    assert key(none) == ["class 0", "class 1"]


def test_a_score_of_exactly_the_threshold_is_the_first_class_as_in_micrograd():
    ax = plots.decision_regions(lambda x: ops.relu(x[0] - 0.5), SQUARE, [0, 0, 1, 1], margin=None)
    assert (region(ax, 0.2, 0.5), region(ax, 0.8, 0.5)) == (0, 1)
    assert lines_at(ax, 0, 1, 0.5) == pytest.approx([0.5], abs=0.01)


def test_a_model_is_called_a_few_times_and_its_tape_does_the_rest():
    calls = []
    plots.decision_regions(lambda x: calls.append(x) or x[0] * x[1] - 0.25, SQUARE, [0, 0, 0, 1])
    assert len(calls) < 50


UNRECORDED = {
    "python decides": lambda x: 1 if (x[0] > 0.5) != (x[1] > 0.5) else -1,
    "python decides on one": lambda x: (
        (1 if x[1] <= 0.5 else -1) if x[0] > 0.5 else (1 if x[1] > 0.5 else -1)
    ),
    "floats": lambda x: math.copysign(1.0, (x[0] - 0.5) * (0.5 - x[1])),
    "values": lambda x: -((x[0] - 0.5) * (x[1] - 0.5)).tanh(),
    "data": lambda x: -(Value(1.0) * (x[0] - 0.5) * (x[1] - 0.5)).data,
    "an array": lambda x: np.array([0.0, (x[0] - 0.5) * (0.5 - x[1])]),
    "one in a list": lambda x: [(x[0] - 0.5) * (0.5 - x[1])],
    "a condition": lambda x: (x[0] - 0.5) * (0.5 - x[1]) > 0,
    "a fraction": lambda x: Fraction(1) if (x[0] - 0.5) * (0.5 - x[1]) > 0 else Fraction(-1),
    "infinite": lambda x: (0.5 - x[1]) * (x[0] - 0.5) * 1e308 * 1e10,
}


@pytest.mark.parametrize("model", UNRECORDED.values(), ids=list(UNRECORDED))
def test_any_callable_will_do(model):
    ax = paint(plots.decision_regions(model, SQUARE, [0, 1, 1, 0], resolution=40))
    assert [region(ax, x, y) for x, y in [(0.2, 0.2), (0.2, 0.8), (0.8, 0.2), (0.8, 0.8)]] == [
        0,
        1,
        1,
        0,
    ]


def test_anomaly_mode_and_division_by_zero_are_the_model_s_affair(ax):
    plots.decision_regions(
        lambda x: 1 / (x[0] - 0.5),
        SQUARE,
        [0, 0, 1, 1],
        limits=((0, 1), (0, 1)),
        resolution=21,
        ax=ax,
    )
    assert (region(paint(ax), 0.2, 0.5), region(ax, 0.8, 0.5)) == (0, 1)
    with detect_anomaly():
        plots.decision_regions(MLP(2, [3, 1]), SQUARE, [0, 0, 1, 1], resolution=5, ax=ax)


def test_data_of_one_class_or_one_point():
    assert key(plots.decision_regions(lambda x: x[0], SQUARE, [1] * 4))[:2] == [
        "class 0",
        "class 1",
    ]
    plt.close("all")
    ax = plots.decision_regions(lambda x: x[0], SQUARE, [-1] * 4)
    assert key(ax)[:2] == ["class −1", "class 1"]
    assert [len(line.get_xdata()) for line in ax.lines] == [4, 0]
    plt.close("all")
    paint(plots.decision_regions(lambda x: x[0], [(1e15, -3.0)], [0]))
    plt.close("all")
    paint(plots.decision_regions(lambda x: x[0], [(2.0, 1.0), (2.0, 5.0)], [0, 1]))
    plt.close("all")
    refused(
        ValueError,
        r"classes are \['a'\]: list them with classes=",
        plots.decision_regions,
        sum,
        SQUARE,
        list("aaaa"),
    )
    refused(
        ValueError, "targets must have", plots.decision_regions, lambda x: x[0], SQUARE, list("aaa")
    )


def test_classes_and_names_may_be_told():
    ax = paint(
        plots.decision_regions(
            lambda x: x[0] - 0.5,
            SQUARE,
            ["no", "no", "yes", "yes"],
            classes=["yes", "no"],
            names=HOSTILE[:2],
        )
    )
    assert key(ax)[:2] == ["cost $5", "x and $"]
    assert ax.lines[0].get_xydata().tolist() == [[1.0, 0.0], [1.0, 1.0]]
    for text in ax.get_legend().get_texts():
        assert not text.get_parse_math()


def test_a_model_that_knows_its_classes_need_not_be_told_them():
    perceptron = Perceptron(2, classes=["yes", "no"])
    perceptron.fit(SQUARE, ["no", "no", "no", "yes"])
    ax = paint(plots.decision_regions(perceptron, SQUARE, ["no", "no", "no", "yes"]))
    assert key(ax) == ["yes", "no", "boundary"]
    assert (region(ax, 1.1, 1.1), region(ax, 0.1, 0.1)) == (0, 1)


def test_seventeen_classes_have_a_marker_and_a_tint_each_or_nearly():
    targets = [i % 17 for i in range(34)]
    ax = paint(
        plots.decision_regions(
            lambda x: [-((x[0] - i) ** 2) for i in range(17)],
            [(float(t), 0.0) for t in targets],
            targets,
        )
    )
    tints = {tuple(colour) for colour in ax.images[0].cmap.colors}
    assert len(tints) == 16
    assert [region(ax, i, 0) for i in range(17)] == list(range(17))


@pytest.mark.parametrize(
    ("exception", "match", "changed"),
    [
        (
            ValueError,
            r"points must be finite, but nan stands at \(1, 0\)",
            {"points": [(0, 0), (math.nan, 1)]},
        ),
        (ValueError, r"shape \(points, 2\), not \(4, 3\)", {"points": np.zeros((4, 3))}),
        (ValueError, r"shape \(points, 2\)", {"points": []}),
        (ValueError, "differ in length", {"points": [(1, 2), (3,)]}),
        (TypeError, "points must be real numbers", {"points": [("a", "b")]}),
        (TypeError, "points must be real numbers", {"points": [(1j, 2)]}),
        (ValueError, "a target is nan", {"targets": [0, 1, 1, math.nan]}),
        (ValueError, r"targets must have the shape \(4,\)", {"targets": [[0], [1], [1], [0]]}),
        (TypeError, "all numbers or all names", {"targets": [0, "a", 1, "b"]}),
        (ValueError, "tells 2 classes apart, but the classes are", {"targets": [5, 6, 7, 8]}),
        (ValueError, "target 7 is not among", {"targets": [0, 1, 7, 0], "classes": [0, 1]}),
        (ValueError, "tells 2 classes apart", {"classes": [0, 1, 2]}),
        (ValueError, "2 classes, but 1 names", {"names": ["a"]}),
        (ValueError, "margin is above 0", {"margin": 0.0}),
        (ValueError, "margin is above 0", {"margin": math.nan}),
        (ValueError, "threshold must be finite", {"threshold": math.nan}),
        (ValueError, "limits are", {"limits": ((1, 0), (0, 1))}),
        (ValueError, "limits must be finite", {"limits": ((0, math.inf), (0, 1))}),
        (ValueError, "resolution of at least 2", {"resolution": 1}),
        (
            ValueError,
            "gives nan at 9 of 9 points, first at",
            {"model": lambda x: ops.log(-1.0 - x[0]), "resolution": 3},
        ),
        (ValueError, "takes 3 inputs, but got 2", {"model": MLP(3, [2])}),
        (
            ValueError,
            "numbers at .* but not everywhere",
            {"model": lambda x: [1.0] * (2 + (x[0] > 0))},
        ),
        (
            TypeError,
            "the model works on numbers and Values, not on NoneType",
            {"model": lambda x: None},
        ),
        (ZeroDivisionError, "by zero", {"model": lambda x: 1 // 0}),
    ],
)
def test_what_regions_refuse(exception, match, changed):
    given = {
        "model": lambda x: x[0],
        "points": SQUARE,
        "targets": [0, 1, 1, 0],
        "resolution": 5,
        **changed,
    }
    refused(exception, match, plots.decision_regions, **given)


# Loss curves. -------------------------------------------------------------------------------------
def test_the_losses_of_a_training():
    ax = plots.loss_curves([3.0, 2.0, 1.0])
    (line,) = ax.lines
    assert line.get_xydata().tolist() == [[0, 3], [1, 2], [2, 1]]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale(), ax.get_legend()) == (
        "step",
        "loss",
        "linear",
        None,
    )


def test_a_history_has_its_validation_losses_dashed_and_the_lowest_ringed():
    history = SimpleNamespace(losses=[4, 3, 2, 1], validation_losses=[5, 3, 4])
    ax = paint(plots.loss_curves(history, log=True))
    learned, held_out, ring = ax.lines
    assert learned.get_ydata().tolist() == [4, 3, 2, 1]
    assert held_out.get_xydata().tolist() == [[0, 5], [1, 3], [2, 4]]
    assert ring.get_xydata().tolist() == [[1, 3]]
    assert key(ax) == ["training", "validation", "lowest, at 1"]
    assert (learned.get_linestyle(), held_out.get_linestyle()) == ("-", "--")
    assert learned.get_color() != held_out.get_color()
    assert (ax.get_xlabel(), ax.get_yscale()) == ("epoch", "log")


def test_trainings_side_by_side():
    runs = {
        "$SGD": [3, 2],
        "Adam": SimpleNamespace(losses=[3, 1], validation_losses=[4, 2]),
        "_": [2],
    }
    ax = paint(plots.loss_curves(runs))
    assert key(ax) == ["$SGD", "Adam, training", "Adam, validation", "lowest, at 1", "_"]
    assert [line.get_ydata().tolist() for line in ax.lines] == [[3, 2], [3, 1], [4, 2], [2], [2]]
    assert len({line.get_color() for line in ax.lines}) == 3
    assert len({line.get_marker() for line in ax.lines}) == 3


@pytest.mark.parametrize("empty", [None, []])
def test_a_history_without_validation(empty):
    ax = plots.loss_curves(SimpleNamespace(losses=[1.0], validation_losses=empty))
    assert len(paint(ax).lines) == 1


@pytest.mark.parametrize(
    ("exception", "match", "args"),
    [
        (ValueError, "nan stands at 1: training diverged there", ([1.0, math.nan],)),
        (
            ValueError,
            "the validation losses of 'a' must be finite",
            ({"a": SimpleNamespace(losses=[1, 2], validation_losses=[1, math.inf])},),
        ),
        (ValueError, "shape", ([],)),
        (ValueError, "shape", ([[1.0]],)),
        (TypeError, "real numbers", (["a"],)),
        (ValueError, "2 losses, but 3 validation losses", ([1, 2], [1, 2, 3])),
        (ValueError, "into a dictionary, put Histories", ({"a": [1]}, [1])),
        (ValueError, "dictionary is empty", ({},)),
    ],
)
def test_what_loss_curves_refuse(exception, match, args):
    refused(exception, match, plots.loss_curves, *args)


def test_a_loss_of_0_has_no_place_on_a_logarithmic_scale():
    refused(
        ValueError, "the training loss 0.0 has no place", plots.loss_curves, [1.0, 0.0], log=True
    )
    refused(ValueError, "the a loss -1.0 has no place", plots.loss_curves, {"a": [-1.0]}, log=True)


# Error surfaces. ----------------------------------------------------------------------------------
def test_the_path_on_the_map():
    path = descent()
    ax = paint(plots.error_contours(error, path))
    below, line, steps, start, end = ax.lines
    assert below.get_xydata().tolist() == line.get_xydata().tolist() == [list(p) for p in path]
    assert [
        start.get_xydata().tolist(),
        steps.get_xydata().tolist(),
        end.get_xydata().tolist(),
    ] == [[list(path[0])], [list(p) for p in path[1:-1]], [list(path[-1])]]
    assert key(ax)[:3:2] == ["start (−0.8, −1.6)", f"end ({path[-1][0]:.3g}, −0.5)"]
    assert key(ax)[1::2] == ["10 steps", "−gradient"]
    assert ax.get_aspect() == 1


def test_the_map_s_lines_are_where_the_error_has_their_level():
    ax = plots.error_contours(error, descent())
    bands, lines = ax.collections
    assert lines.levels.tolist() == [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]
    for level, path in zip(lines.levels, lines.get_paths()):
        assert [error(*w) for w in path.vertices] == pytest.approx(
            [level] * len(path.vertices), rel=0.02
        )
    assert len(bands.levels) == len(lines.levels) + 2
    assert {text.get_text() for text in ax.texts if text.get_text()} <= {
        "0.1",
        "0.2",
        "0.5",
        "1",
        "2",
        "5",
        "10",
    }


def test_the_arrow_points_down_the_gradient():
    ax = plots.error_contours(error, descent())
    arrow = next(text for text in ax.texts if hasattr(text, "arrow_patch"))
    direction = np.subtract(arrow.xy, (-0.8, -1.6))
    downhill = -np.array(grad(error, (0, 1))(-0.8, -1.6))
    assert direction / np.hypot(*direction) == pytest.approx(downhill / np.hypot(*downhill))


def test_the_path_in_space_lies_on_the_surface_and_its_shadow_on_the_ground():
    path = descent()
    ax = paint(plots.error_surface(error, path, resolution=20, labels=("a", "b", "$E$")))
    _, line, *_, shadow = ax.lines
    x, y, z = line.get_data_3d()
    assert list(zip(x, y)) == path
    assert list(z) == pytest.approx([error(*w) for w in path], rel=1e-12)
    x, y, z = shadow.get_data_3d()
    assert list(zip(x, y)) == path
    assert set(z) == {ax.get_zlim()[0]}
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()) == ("a", "b", "E")
    assert min(ax.get_zticks()) > -0.5, "there is no error below 0"


def test_several_descents_on_one_map_each_by_its_name():
    walks = {name: walk.points for name, walk in lund.methods()._asdict().items()}
    ax = paint(plots.error_contours(lund.valley, walks))
    drawn = [ax.lines[5 * i : 5 * i + 5] for i in range(4)]
    for (below, line, steps, start, end), walk in zip(drawn, walks.values()):
        expected = [list(point) for point in walk]
        assert below.get_xydata().tolist() == line.get_xydata().tolist() == expected
        assert start.get_xydata().tolist() == expected[:1]
        assert steps.get_xydata().tolist() == expected[1:-1]
        assert end.get_xydata().tolist() == expected[-1:]
    assert len({line.get_color() for _, line, *_ in drawn}) == 4
    assert len({steps.get_marker() for _, _, steps, *_ in drawn}) == 4
    assert [word for word in key(ax) if "momentum" in word or "descent" in word] == [
        "descent: 20 steps to (1.22, 0)",
        "momentum: 20 steps to (3.45, −0.396)",
    ]
    assert key(ax)[-1] == "−gradient"
    arrows = [text for text in ax.texts if hasattr(text, "arrow_patch")]
    assert len(arrows) == 1, "all start at one point"
    assert arrows[0].xyann == (10.0, 1.0)
    assert arrows[0].get_zorder() < min(line.get_zorder() for line in ax.lines), "it hides no path"
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for x, y in [point for walk in walks.values() for point in walk]:
        assert left < x < right
        assert low < y < high


def test_descents_from_several_starts_have_an_arrow_each():
    paths = {"$a": [(2.0, 0.0), (1.5, 0.0)], "b": [(1.0, -0.5)], "c": [(0.0, 0.0), (2.0, 1.0)]}
    ax = paint(plots.error_contours(error, paths, resolution=12))
    arrows = [text for text in ax.texts if hasattr(text, "arrow_patch")]
    assert [arrow.xyann for arrow in arrows] == [(0.0, 0.0), (2.0, 0.0)], "b starts at the minimum"
    assert key(ax)[:2] == ["$a: 1 step to (1.5, 0)", "b: 0 steps to (1, −0.5)"]
    plt.close("all")
    ax = paint(plots.error_surface(error, paths, resolution=12))
    assert len(ax.lines) == 3 * 5 + 3, "each path, and its shadow"
    lines = [line.get_data_3d() for line in ax.lines[1:15:5]]
    for (x, y, z), path in zip(lines, paths.values()):
        assert list(zip(x, y)) == path
        assert list(z) == [error(*w) for w in path]


@pytest.mark.parametrize("draw", [plots.error_contours, plots.error_surface])
def test_surfaces_of_all_sorts(draw):
    box = ((-1, 1), (-1, 1))
    for f in (
        lambda a, b: 3.0,
        lambda a, b: a * b,
        lambda a, b: a - 1e6,
        lambda a, b: math.cos(a) + 2.0,
        lambda a, b: a > b,
        lambda a, b: [a * a],
        lambda a, b: 1e-300 * a * a,
    ):
        ax = paint(draw(f, limits=box, resolution=12))
        assert ax.get_legend() is None
        plt.close("all")
    ax = paint(draw(math.hypot, [(1.0, 1.0), (0.5, 0.5)], resolution=12))
    assert key(ax)[1] == "1 step"
    assert len(key(ax)) == 3, "nothing can differentiate math.hypot, so there is no arrow"
    plt.close("all")
    assert key(paint(draw(error, [(1.0, -0.5)], resolution=12)))[1] == "0 steps"


@pytest.mark.parametrize("draw", [plots.error_contours, plots.error_surface])
@pytest.mark.parametrize(
    ("exception", "match", "changed"),
    [
        (ValueError, "must be limits", {"path": None}),
        (ValueError, "path must be finite", {"path": [(0, 0), (math.nan, 0)]}),
        (ValueError, r"shape \(steps \+ 1, 2\), not \(1, 3\)", {"path": [(0, 0, 0)]}),
        (ValueError, r"shape \(steps \+ 1, 2\)", {"path": []}),
        (ValueError, "no paths to compare", {"path": {}}),
        (ValueError, "the path of 'a' must be finite", {"path": {"a": [(0, math.inf)]}}),
        (ValueError, "the path of 'b' must have", {"path": {"a": [(0, 0)], "b": [(0,)]}}),
        (ValueError, "limits are", {"limits": ((0, 0), (0, 1))}),
        (ValueError, "limits must have the shape", {"limits": (0, 1)}),
        (ValueError, "error gives nan", {"error": lambda a, b: ops.sqrt(a - 9.0) + b}),
        (ValueError, "must be one number, but it gives 2", {"error": lambda a, b: [a, b]}),
        (ValueError, "error is infinite", {"error": lambda a, b: ops.exp(1e4 * a * a)}),
        (TypeError, "positional argument", {"error": lambda a: a}),
    ],
)
def test_what_surfaces_refuse(draw, exception, match, changed):
    refused(
        exception,
        match,
        draw,
        **{"error": error, "path": [(0.0, 0.0), (1.0, 1.0)], "resolution": 9, **changed},
    )


# An error over one weight. ------------------------------------------------------------------------
def points(line):
    return line.get_xydata().tolist()


def stars(ax):
    """The marked minima, by whether they are filled with ink."""
    found = {True: [], False: []}
    for line in ax.lines:
        if line.get_marker() == "*":
            found[line.get_markerfacecolor() == palette.ink(ax)] += points(line)
    return found


def test_the_curve_its_tangent_its_chord_and_a_descent_of_stone_s_simplest_network():
    walk = stone.learning_one_association(0.5)
    ax = paint(
        plots.error_curve(
            stone.error_of_one_weight, walk.weights, tangent=0.4, chord=(0.4, 0.01), resolution=9
        )
    )
    curve, tangent, touching, chord, ends, path, start, end, minimum = ax.lines
    assert [stone.error_of_one_weight(w) for w in curve.get_xdata()] == list(curve.get_ydata())
    assert ax.get_xlim() == pytest.approx((0.25 - 1.25 * 0.16, 0.25 + 1.25 * 0.16), abs=1e-5)
    for line, slope in ((tangent, 0.096), (chord, 0.0992)):
        w, height = line.get_data()
        assert height == pytest.approx(0.0072 + slope * (w - 0.4), abs=1e-15)
    assert points(touching) == [[0.4, stone.error_of_one_weight(0.4)]]
    assert points(ends) == [[w, stone.error_of_one_weight(w)] for w in (0.4, 0.4 + 0.01)]
    assert points(path) == [list(pair) for pair in zip(walk.weights, walk.errors)]
    assert [points(start), points(end)] == [points(path)[:1], points(path)[-1:]]
    assert points(minimum)[0] == pytest.approx([0.25, 0.0], abs=1e-15)
    assert key(ax) == [
        "tangent at 0.4, slope 0.096",
        "chord from 0.4 to 0.41, slope 0.0992",
        "30 steps from 0.4 to 0.25",
        "minimum at 0.25",
    ]
    assert [tangent.get_linestyle(), chord.get_linestyle()] == ["-", "--"]


def test_the_global_minimum_is_filled_and_two_descents_end_in_two_minima():
    walks = {f"from {w}": stone.local_and_global_minimum(w).weights for w in (2.0, -2.0)}
    ax = paint(plots.error_curve(stone.error_with_two_minima, walks, limits=(-2.2, 2.2)))
    found = stars(ax)
    assert found[True] == [pytest.approx([-1.300839565942, -3.513905038935], abs=1e-12)]
    assert found[False] == [pytest.approx([1.130901122630, -1.070230181776], abs=1e-12)]
    assert key(ax) == [
        "from 2.0: 300 steps from 2 to 1.13",
        "from -2.0: 300 steps from −2 to −1.3",
        "global minimum at −1.301",
        "local minimum at 1.131",
    ]
    paths = [line for line in ax.lines if len(line.get_xdata()) == 301]
    assert [line.get_xdata().tolist() for line in paths] == list(walks.values())
    assert len({(line.get_color(), line.get_marker()) for line in paths}) == 2


@pytest.mark.parametrize(
    ("f", "limits", "filled", "hollow"),
    [
        (lambda w: (w * w - 1.0) ** 2, (-2, 2), [-1.0, 1.0], []),
        (lambda w: ops.abs(w - 0.1), (-1, 1), [0.1], []),
        (lambda w: -w, (-1, 1), [], []),
        (lambda w: w * 0.0, (-1, 1), [], []),
        (lambda w: ops.relu(ops.abs(w) - 0.5), (-1, 1), [0.0], []),
        (lambda w: ops.cos(w) - w, (-1.0, 11.0), [], []),
        (lambda w: w**3 - 3.0 * w, (-3.0, 3.0), [1.0], []),
        (lambda w: (w * w - 1.0) ** 2 * (w + 4.5), (-5.0, 2.0), [], [-1.0, 1.0]),
    ],
    ids=["two equal", "a kink", "none", "flat", "a flat bottom", "an inflection", "one", "border"],
)
def test_which_places_are_minima(f, limits, filled, hollow):
    found = stars(paint(plots.error_curve(f, limits=limits, resolution=101)))
    assert [w for w, _ in found[True]] == pytest.approx(filled, abs=1e-12)
    assert [w for w, _ in found[False]] == pytest.approx(hollow, abs=1e-12)


def test_an_error_that_is_a_value_over_one_of_its_leaves():
    model = MLP(1, [2, 1], activation="tanh", rng=random.Random(0))
    data = [(-1.0, 0.5), (0.3, -0.2), (1.0, 0.1)]
    loss = ops.sum([(model([x]) - y) ** 2 for x, y in data]) / 3.0
    weight = model.layers[0].neurons[0].w[0]
    before = weight.data
    ax = paint(plots.error_curve(loss, weight=weight, tangent=before, resolution=7))
    loss.backward()
    curve, tangent, *_ = ax.lines
    w, height = tangent.get_data()
    assert height == pytest.approx(loss.data + weight.grad * (w - before), rel=1e-12)
    expected = []
    for w in curve.get_xdata():
        weight.data = w
        expected.append(sum((model([x]).data - y) ** 2 for x, y in data) / 3.0)
    assert curve.get_ydata() == pytest.approx(expected, rel=1e-14)
    weight.data = before
    assert loss.forward().data == pytest.approx(float(np.interp(before, *tangent.get_data())))


def test_an_error_of_floats_has_its_minimum_on_the_grid_and_no_tangent():
    def of_floats(w):
        return math.hypot(w - 0.26, 1.0)

    ax = paint(plots.error_curve(of_floats, limits=(0.0, 1.0), resolution=11))
    assert stars(ax)[True] == [[pytest.approx(0.3), of_floats(ax.lines[0].get_xdata()[3])]]
    plt.close("all")
    refused(TypeError, "can be differentiated", plots.error_curve, of_floats, tangent=0.5)
    ax = plots.error_curve(of_floats, [0.3], minima=False, ax=Figure().add_subplot())
    assert key(ax) == ["0 steps from 0.3 to 0.3"]


@pytest.mark.parametrize(
    ("exception", "match", "more"),
    [
        (ValueError, "there must be limits", {}),
        (ValueError, "limits are", {"limits": (1, 1)}),
        (ValueError, "at least 3 points", {"limits": (0, 1), "resolution": 2}),
        (ValueError, r"the path must have the shape \(steps \+ 1,\)", {"path": [(0, 0)]}),
        (ValueError, "the path of 'a' must be finite", {"path": {"a": [math.nan]}}),
        (ValueError, "no paths to compare", {"path": {}}),
        (ValueError, "from one weight to another", {"chord": (1.0, 1e-20)}),
        (ValueError, "a chord is", {"chord": (1.0, 2.0, 3.0)}),
        (TypeError, "a chord's weight or step", {"chord": (1.0, "b")}),
        (
            ValueError,
            "error is inf at 2",
            {"error": lambda w: w * 1e308, "path": [2, 3], "limits": (0, 1)},
        ),
        (ValueError, "gives nan", {"error": lambda w: ops.log(w - 9.0), "path": [1.0]}),
        (ValueError, "number, but it gives 2", {"error": lambda w: [w, w], "limits": (0, 1)}),
        (
            ValueError,
            "slope at 0 is inf, so there is no tangent",
            {"error": ops.sqrt, "tangent": 0.0, "limits": (0, 1)},
        ),
        (TypeError, "needs weight=", {"error": Value(1.0)}),
        (ValueError, "not depend on this", {"error": Value(1.0) * 2.0, "weight": Value(1.0)}),
        (TypeError, "goes with an error that is a Value", {"weight": Value(1.0)}),
    ],
)
def test_what_error_curve_refuses(exception, match, more):
    refused(exception, match, plots.error_curve, **{"error": lambda w: w * w, **more})


# The error of difference quotients. ---------------------------------------------------------------
def of_w0(w0):
    """Sharif's sigmoid circuit over its first weight."""
    return ops.sigmoid(w0 * -1.0 + -3.0 * -2.0 - 3.0)


def test_both_v_s_are_the_errors_against_the_exact_slope():
    steps = [10.0**-k for k in range(1, 15)]
    ax = paint(plots.difference_error(of_w0, 2.0, steps=steps))
    forward, best_forward, central, best_central, *expected = ax.lines
    sigma = 1.0 / (1.0 + mp.exp(mpf(-1)))
    exact = float(-sigma * (1 - sigma))
    found = {}
    for kind, line in (("forward", forward), ("central", central)):
        assert line.get_xdata().tolist() == steps
        slopes = [numerical_gradient(of_w0, 2.0, kind, h).gradient for h in steps]
        assert line.get_ydata() == pytest.approx([abs(s - exact) for s in slopes], abs=3e-17)
        found[kind] = line.get_ydata()
    assert found["forward"][0] == pytest.approx(0.201090760050 - 0.196611933241, abs=1e-12)
    assert found["central"][0] == pytest.approx(0.196611933241 - 0.196553014851, abs=1e-12)
    assert found["forward"][4] == pytest.approx(4.5e-7, rel=0.02)
    assert found["central"][1] == pytest.approx(5.9e-7, rel=0.02)
    for line, best in ((forward, best_forward), (central, best_central)):
        (h, lowest) = points(best)[0]
        assert lowest == line.get_ydata().min()
        assert [h, lowest] in points(line)
    second = exact * -1 * (1 - 2 * float(sigma))
    third = exact * (1 - 6 * float(sigma) + 6 * float(sigma) ** 2)
    truncation, of_third, rounding = (line.get_ydata() for line in expected)
    hs = np.array(steps)
    assert truncation == pytest.approx(hs * abs(second) / 2, rel=1e-12)
    assert of_third == pytest.approx(hs**2 * abs(third) / 6, rel=1e-12)
    assert rounding == pytest.approx(2.0**-53 * float(sigma) / hs, rel=1e-12)
    assert found["forward"][1:5] == pytest.approx(truncation[1:5], rel=0.01)
    assert found["central"][1:3] == pytest.approx(of_third[1:3], rel=0.01)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert key(ax)[2:] == ["h·|f″|/2", "h²·|f‴|/6", "rounding, 2⁻⁵³·|f|/h"]


def test_of_several_numbers_the_largest_error_is_shown():
    def f(x):
        return x["a"] ** 2 + 5.0 * x["b"][0] ** 2

    ax = paint(plots.difference_error(f, {"a": 1.0, "b": [2.0]}, steps=[0.5, 0.25]))
    assert points(ax.lines[0]) == [[0.5, 2.5], [0.25, 1.25]]
    assert [line.get_ydata().tolist() for line in ax.lines[2:3]] == [[2.5, 1.25]]
    assert key(ax) == [
        "forward, best 1.2 at h = 0.25",
        "h·|f″|/2",
        "rounding, 2⁻⁵³·|f|/h",
    ], "of a square, the central quotient is exact with such steps"


def test_steps_that_do_not_move_x_and_places_outside_the_domain_are_left_out():
    ax = paint(plots.difference_error(lambda x: x**3, 1e6))
    assert 1e-11 < ax.lines[0].get_xdata().min() < 1e-9
    plt.close("all")
    ax = paint(plots.difference_error(ops.log, 0.01, steps=[1e-2, 1e-3]))
    forward, _, central, *_ = ax.lines
    assert np.isfinite(forward.get_ydata()).tolist() == [True, True]
    assert np.isfinite(central.get_ydata()).tolist() == [False, True]


@pytest.mark.parametrize(
    ("exception", "match", "args", "more"),
    [
        (ValueError, "is above 0", (ops.exp, 1.0), {"steps": [1.0, 0.0]}),
        (ValueError, "same float again", (ops.exp, 1.0), {"steps": [1e-20]}),
        (ValueError, r"steps must have the shape \(steps,\)", (ops.exp, 1.0), {"steps": []}),
        (ValueError, "no difference quotient errs", (lambda x: 2.0 * x, 1.0), {"steps": [0.5]}),
        (TypeError, "one number", (lambda x: [x, x], 1.0), {}),
        (TypeError, "float", (math.exp, 1.0), {}),
    ],
)
def test_what_difference_error_refuses(exception, match, args, more):
    refused(exception, match, plots.difference_error, *args, **more)


# Fitted curves. -----------------------------------------------------------------------------------
def test_a_fitted_curve_goes_through_what_the_model_gives():
    fit = stone.fitting(2, epochs=5)

    def truth(x):
        return math.sin(math.pi * x)

    others = ([[0.5], [3.0]], [9.0, 2.0])
    ax = paint(
        plots.fitted_curve(
            fit.model,
            fit.x,
            fit.y,
            validation=others,
            truth=truth,
            resolution=11,
            labels=("a", "b"),
        )
    )
    data, held_out, true, curve = ax.lines
    assert data.get_xydata().tolist() == [list(pair) for pair in zip(fit.x, fit.y)]
    assert points(held_out) == [[0.5, 9.0], [3.0, 2.0]]
    assert held_out.get_markerfacecolor() == "none"
    xs = curve.get_xdata()
    assert curve.get_ydata().tolist() == [fit.model([x]).data for x in xs]
    assert true.get_ydata().tolist() == [truth(x) for x in xs]
    assert xs[[0, -1]].tolist() == pytest.approx([-1 - 0.08 * 4, 3 + 0.08 * 4])
    assert key(ax) == ["data", "validation data", "without noise", "model"]
    low, high = min(*fit.y, *true.get_ydata()), 9.0
    room = 0.3 * (high - low)
    assert ax.get_ylim() == pytest.approx((low - room, high + room))


def test_several_models_are_told_apart_and_leave_the_height_to_the_data():
    models = {"$one": lambda x: x[0], "steep": lambda x: 100.0 * x[0], "_": lambda x: 1.0}
    ax = paint(plots.fitted_curve(models, [[0.0], [1.0]], [0.0, 1.0], limits=(0, 2), resolution=3))
    assert key(ax) == ["data", "$one", "steep", "_"]
    assert [line.get_ydata().tolist() for line in ax.lines[1:]] == [
        [0.0, 1.0, 2.0],
        [0.0, 100.0, 200.0],
        [1.0, 1.0, 1.0],
    ]
    looks = {(line.get_color(), line.get_linestyle()) for line in ax.lines[1:]}
    assert len(looks) == 3
    assert ax.get_ylim() == (-0.3, 1.3)


def test_one_point_has_a_curve_too(ax):
    paint(plots.fitted_curve(lambda x: x[0], [2.0], [5.0], ax=ax))
    assert (ax.get_xlim(), ax.get_ylim()) == ((1.0, 3.0), (4.0, 6.0))


@pytest.mark.parametrize(
    ("exception", "match", "changed"),
    [
        (ValueError, r"the X must have the shape \(points,\) or", {"X": [[0.0, 1.0], [1.0, 2.0]]}),
        (ValueError, "2 points in the X, but 3 in its y", {"y": [1.0, 2.0, 3.0]}),
        (ValueError, "the y must be finite", {"y": [1.0, math.nan]}),
        (ValueError, "validation is", {"validation": [1.0]}),
        (ValueError, "1 points in the validation X, but 2", {"validation": ([1.0], [1.0, 2.0])}),
        (ValueError, "no models to compare", {"model": {}}),
        (ValueError, "at least 2 points", {"resolution": 1}),
        (ValueError, "limits are", {"limits": (0, 0)}),
        (ValueError, "the model must give one number, but it gives 2", {"model": lambda x: [1, 2]}),
        (ValueError, "the truth gives nan", {"truth": lambda x: math.nan}),
        (ValueError, "takes 3 inputs, but got 1", {"model": MLP(3, [1])}),
    ],
)
def test_what_fitted_curve_refuses(exception, match, changed):
    given = {"model": lambda x: x[0], "X": [0.0, 1.0], "y": [0.0, 1.0], **changed}
    refused(exception, match, plots.fitted_curve, **given)


# Panels. ------------------------------------------------------------------------------------------
def test_regions_by_depth_in_four_panels():
    networks = sharif.regions_by_depth()._asdict()
    box = ((-2.5, 2.5), (-2.5, 2.5))
    drawn = plots.panels(
        plots.decision_regions, networks, SQUARE, [1, 0, 0, 1], limits=box, title="cost $5 & $6"
    )
    paint(drawn[0])
    assert [ax.get_title(loc="left") for ax in drawn] == list(networks)
    spots = [(-0.7, -0.7), (0.6, 0.7), (1.5, 1.5), (0.6, -0.5)]
    for ax, network in zip(drawn, networks.values()):
        assert [region(ax, *spot) for spot in spots] == [network(spot).data for spot in spots]
    assert len({tuple(region(ax, *spot) for spot in spots) for ax in drawn}) == 4
    assert key(drawn[0]) == ["class 0", "class 1", "boundary"]
    assert [ax.get_legend() for ax in drawn[1:]] == [None] * 3, "one key for all"
    lefts = [round(ax.get_position().x0, 2) for ax in drawn]
    assert (lefts[0], lefts[1]) == (lefts[2], lefts[3])
    assert lefts[0] < lefts[1]
    assert drawn[0].figure.get_suptitle() == "cost $5 & $6"


def test_panels_keep_their_keys_where_they_differ_and_stand_where_they_are_told():
    figure = Figure(layout="constrained")
    walks = {"slow": [(1.0, 1.0), (0.9, 0.9)], "$fast": [(1.0, 1.0), (0.0, 0.0), (1.0, -0.5)]}

    def draw(path, **more):
        return plots.error_contours(error, path, resolution=9, **more)

    drawn = plots.panels(draw, walks, figure=figure, columns=1, labels=("a", "b"))
    assert figure.axes == drawn
    assert [key(paint(ax))[1] for ax in drawn] == ["1 step", "2 steps"]
    assert [ax.get_title(loc="left") for ax in drawn] == ["slow", "$fast"]
    assert drawn[0].get_position().y0 > drawn[1].get_position().y1
    assert [ax.get_xlabel() for ax in drawn] == ["a", "a"]
    assert not plt.get_fignums()


def test_panels_in_space_and_titles_that_would_reach_into_the_next_panel():
    errors = {"x" * 200: error, "b": lambda a, b: a * b}
    drawn = plots.panels(plots.error_surface, errors, limits=((0, 1), (0, 1)), resolution=5)
    paint(drawn[0])
    assert [ax.name for ax in drawn] == ["3d", "3d"]
    title = next(t for t in drawn[0].findobj(Text) if t.get_text().startswith("xxx"))
    assert title.get_text().endswith("x…")
    assert title.get_window_extent().x1 < drawn[1].bbox.x0 + 5


def test_a_title_of_the_last_panel_ends_within_the_figure():
    models = {name: lambda x: x[0] for name in ("a", "b", "c", "m" * 90)}
    drawn = plots.panels(plots.fitted_curve, models, [0.0, 1.0], [0.0, 1000.0], labels=("", "y\ny"))
    paint(drawn[0])
    title = next(t for t in drawn[3].findobj(Text) if t.get_text().startswith("mm"))
    assert title.get_window_extent().x1 <= drawn[3].figure.bbox.x1


@pytest.mark.parametrize(
    ("exception", "match", "models", "more"),
    [
        (TypeError, "a dictionary of what to draw by its title, not a list", [1.0], {}),
        (ValueError, "no models to draw", {}, {}),
        (ValueError, "a column at least", {"a": [1.0]}, {"columns": 0}),
        (TypeError, "must be a matplotlib Figure, not str", {"a": [1.0]}, {"figure": "f"}),
        (ValueError, "losses must be finite", {"a": [1.0], "b": [math.nan]}, {}),
    ],
)
def test_what_panels_refuse(exception, match, models, more):
    refused(exception, match, plots.panels, plots.loss_curves, models, **more)


def test_panels_that_fail_leave_a_given_figure_as_it_was():
    figure = Figure()
    refused(ValueError, "finite", plots.panels, plots.loss_curves, {"a": [math.nan]}, figure=figure)
    assert figure.axes == []


# Shapes of losses. --------------------------------------------------------------------------------
SHAPES = {
    "zero_one": lambda z: float(z <= 0),
    "perceptron": lambda z: max(0.0, -z),
    "hinge": lambda z: max(0.0, 1.0 - z),
    "squared_error": lambda z: (1.0 - z) ** 2,
    "binary_cross_entropy": lambda z: math.log1p(math.exp(-z)),
    "margin_loss": lambda z: min(1.0, max(0.0, 1.0 - z / 0.5)),
}


def test_losses_have_their_shapes_over_how_right_an_output_is():
    ax = paint(plots.loss_shapes())
    assert key(ax) == list(SHAPES)
    for line, shape in zip(ax.lines[2:], SHAPES.values()):
        zs = line.get_xdata()
        assert {0.0, 5e-324, 0.5, 1.0} < set(zs), "where they bend"
        assert line.get_ydata() == pytest.approx(list(map(shape, zs)), rel=1e-14, abs=1e-16)
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in ax.lines[2:]}
    assert len(looks) == 6
    assert ax.get_ylim()[1] == 1.5 * 3.0, "the parabola leaves, above the hinge"


@pytest.mark.parametrize("name", SHAPES)
def test_one_loss_is_shown_whole(name, ax):
    paint(plots.loss_shapes(name, limits=(-3, 4), ax=ax))
    assert key(ax) == [name]
    assert ax.get_ylim()[1] > ax.lines[2].get_ydata().max()


def test_a_loss_of_one_s_own_and_names_for_the_key():
    def on_tanh(y, t):
        return (ops.tanh(y) - t) ** 2

    ax = paint(plots.loss_shapes(on_tanh, lambda y, t: abs(y - t), limits=(2, 4), resolution=5))
    assert key(ax) == ["on_tanh", "f"]
    zs = [2.0, 2.5, 3.0, 3.5, 4.0]
    first, second = ax.lines[2:]
    assert first.get_xdata().tolist() == zs
    assert first.get_ydata() == pytest.approx([(math.tanh(z) - 1) ** 2 for z in zs], rel=1e-12)
    assert second.get_ydata().tolist() == [z - 1 for z in zs]
    ax = plots.loss_shapes("hinge", on_tanh, names=["$a", "b"], ax=Figure().add_subplot())
    assert key(ax) == ["$a", "b"]


@pytest.mark.parametrize(
    ("exception", "match", "shapes", "more"),
    [
        (ValueError, "no loss is called 'l2'; there are: zero_one", ("l2",), {}),
        (TypeError, "a name or a function", (3,), {}),
        (ValueError, "limits are", (), {"limits": (1, 0)}),
        (ValueError, "at least 2 points", (), {"resolution": 1}),
        (ValueError, "1 losses, but 2 names", ("hinge",), {"names": "ab"}),
        (ValueError, "the loss f gives nan", (lambda y, t: ops.log(y),), {}),
        (ValueError, "must be one number, but it gives 2", (lambda y, t: [y, t],), {}),
    ],
)
def test_what_loss_shapes_refuse(exception, match, shapes, more):
    refused(exception, match, plots.loss_shapes, *shapes, **more)


# Activations. -------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [*activations(), "step", "sign"])
def test_activation_curves_are_those_of_the_oracle(name, ax):
    function = {"linear": lambda x: x, "leaky_relu": lambda x: max(x, x / 100)}.get(
        name
    ) or ORACLES[name]
    row = activations().get(name) or ops.TABLE[name]
    low, high = getattr(row, "domain", [(-math.inf, math.inf)])[0]
    inside = (max(low, -4.1), min(high, 3.9))
    plots.activation_curves(name, limits=inside, resolution=9, ax=ax)
    values, slopes = (line.get_xydata() for line in ax.lines[2:4])
    assert values[:, 0].tolist() == slopes[:, 0].tolist()
    points = np.linspace(*inside, 9)[1:-1]
    assert set(points) <= set(values[:, 0])
    with mp.workdps(1500):
        for x, value, slope in zip(values[:, 0], values[:, 1], slopes[:, 1]):
            if x in points:
                assert value == pytest.approx(float(function(mpf(x))), rel=1e-13, abs=1e-300)
                assert slope == pytest.approx(
                    float(true_slope(function, [x], 0)), rel=1e-12, abs=1e-300
                )


def test_a_kink_breaks_the_derivative_and_a_dot_shows_what_is_agreed():
    ax = plots.activation_curves("relu", resolution=4)
    *_, values, slopes, dot = ax.lines
    x, slope = slopes.get_data()
    assert x[np.isnan(slope)].tolist() == [0.0]
    assert slope[np.abs(x) < 1e-300].tolist()[::2] == [0.0, 1.0]
    assert not np.isnan(values.get_ydata()).any()
    assert dot.get_xydata().tolist() == [[0.0, 0.0]]
    assert key(ax) == ["relu", "relu′"]
    assert (values.get_linestyle(), slopes.get_linestyle()) == ("-", "--")


@pytest.mark.parametrize(
    ("name", "kinks"),
    [
        ("hard_tanh", [[-1.0, 1.0], [1.0, 1.0]]),
        ("leaky_relu", [[0.0, 0.01]]),
        ("abs", [[0.0, 0.0]]),
        ("step", [[0.0, 0.0]]),
        ("tanh", []),
    ],
)
def test_kinks(name, kinks):
    *_, values, _, dot = plots.activation_curves(name).lines
    assert dot.get_xydata().tolist() == kinks
    assert np.isnan(values.get_ydata()).any() == (name == "step"), "a jump breaks the value too"


def test_outside_a_domain_there_is_nothing():
    ax = paint(plots.activation_curves("log", limits=(-2, 2), resolution=41))
    x, y = ax.lines[2].get_data()
    assert x[np.isfinite(y)].min() > 0
    plt.close("all")
    refused(
        ValueError,
        "log is nowhere finite between -2.0 and -1.0",
        plots.activation_curves,
        "log",
        limits=(-2, -1),
    )


def test_several_functions_of_one_s_own_without_derivatives():
    def square(x):
        return x * x

    ax = paint(
        plots.activation_curves(
            lambda x: 2 * x, ops.tanh, square, "sigmoid", derivatives=False, resolution=9
        )
    )
    assert key(ax) == ["f", "tanh", "square", "sigmoid"]
    assert ax.lines[2].get_ydata().tolist() == np.linspace(-10, 10, 9).tolist()
    assert ax.get_ylabel() == "output"
    assert len({line.get_marker() for line in ax.lines[2:]}) == 4


@pytest.mark.parametrize(
    ("exception", "match", "functions", "more"),
    [
        (ValueError, "name a function", (), {}),
        (ValueError, "no activation is called 'swish'; there are: identity", ("swish",), {}),
        (ValueError, "limits are", ("tanh",), {"limits": (1, 1)}),
        (ValueError, "limits must be finite", ("tanh",), {"limits": (math.nan, 1)}),
        (ValueError, "at least 2 points", ("tanh",), {"resolution": 1}),
        (TypeError, "float", (math.tanh,), {}),
        (TypeError, "one number", (lambda x: [x, x],), {}),
        (TypeError, "a name or a function of a Value, not 3", (3,), {}),
        (TypeError, "np.rint would lose the graph", (np.rint,), {}),
    ],
)
def test_what_activation_curves_refuse(exception, match, functions, more):
    refused(exception, match, plots.activation_curves, *functions, **more)


# Weights. -----------------------------------------------------------------------------------------
def squares(ax):
    """Centre, area and colour of each square of a Hinton diagram."""
    (collection,) = ax.collections
    corners = np.array([path.vertices[:4] for path in collection.get_paths()])
    sides = corners.max(axis=1) - corners.min(axis=1)
    return (
        corners.mean(axis=1),
        sides.prod(axis=1),
        [to_hex(colour) for colour in collection.get_facecolor()],
    )


def test_areas_are_sizes_and_black_and_white_are_signs():
    weights = np.random.default_rng(1).normal(size=(3, 4))
    ax = paint(plots.hinton_diagram(weights))
    centres, areas, colours = squares(ax)
    assert centres == pytest.approx(
        np.array([(column, row) for row in range(3) for column in range(4)])
    )
    assert areas / areas.max() == pytest.approx(np.abs(weights).ravel() / np.abs(weights).max())
    assert 0.8 < areas.max() < 1.0, "the largest almost fills its place"
    assert colours == ["#ffffff" if w > 0 else "#000000" for w in weights.ravel()]
    assert to_hex(ax.get_facecolor()) == "#808080"
    assert ax.yaxis_inverted(), "the first unit is on top"
    assert key(ax) == ["positive", "negative", f"a full square: {np.abs(weights).max():.3g}"]


def test_a_largest_weight_may_be_told_and_larger_ones_are_cut():
    _, areas, _ = squares(plots.hinton_diagram([[1.0, 2.0, 4.0, 0.0]], largest=2.0))
    assert areas / areas.max() == pytest.approx([0.5, 1.0, 1.0, 0.0])
    plt.close("all")
    _, areas, _ = squares(paint(plots.hinton_diagram([[0.0]])))
    assert areas.tolist() == [0.0]


@pytest.mark.parametrize(
    "kind",
    [
        lambda n: n,
        lambda n: n.layers[0],
        lambda n: [m.w for m in n.layers[0].neurons],
        lambda n: [[w.data for w in m.w] for m in n.layers[0].neurons],
    ],
)
def test_weights_of_models_and_values(kind, ax):
    network = MLP(4, [3, 2], rng=random.Random(0))
    weights = np.array([[w.data for w in m.w] for m in network.layers[0].neurons])
    _, areas, _ = squares(plots.hinton_diagram(kind(network), ax=ax))
    assert areas / areas.max() == pytest.approx(np.abs(weights).ravel() / np.abs(weights).max())
    templates = plots.weight_templates(kind(network), ax=Figure().add_subplot())
    assert [image.get_array().ravel().tolist() for image in templates.images] == weights.tolist()


@pytest.mark.parametrize("kind", [Perceptron, Adaline])
def test_a_single_layer_s_units_are_called_by_its_classes(kind, ax):
    model = kind(4, classes=["up", "$d", "left"])
    model.fit([[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, -1]], ["up", "$d", "left"])
    weights = [[w.data for w in n.w] for n in model.layer.neurons]
    templates = paint(plots.weight_templates(model, ax=ax))
    assert [image.get_array().ravel().tolist() for image in templates.images] == weights
    assert [text.get_text() for text in templates.texts] == ["up", "$d", "left"]
    diagram = paint(plots.hinton_diagram(model))
    _, areas, _ = squares(diagram)
    assert areas / areas.max() == pytest.approx(np.abs(weights).ravel() / np.abs(weights).max())
    assert [label.get_text() for label in diagram.get_yticklabels()] == ["up", "$d", "left"]
    named = plots.weight_templates(model, names="abc", ax=Figure().add_subplot())
    assert [text.get_text() for text in named.texts] == list("abc")


def test_two_classes_share_a_unit_and_models_on_arrays_have_their_weights():
    perceptron = Perceptron(2)
    perceptron.fit(SQUARE, [0, 0, 0, 1])
    ax = plots.weight_templates(perceptron, (1, 2))
    assert [text.get_text() for text in ax.texts] == ["0"]
    assert ax.images[0].get_array().tolist() == [[2.0, 1.0]]
    plt.close("all")
    chain = modular.Chain([modular.AffineLayer([[1.0, -3.0]], [0.5]), modular.SigmoidLayer()])
    for model in (chain, chain.layers[0]):
        image = plots.weight_templates(model, (2, 1), ax=Figure().add_subplot()).images[0]
        assert image.get_array().tolist() == [[1.0], [-3.0]]
    plt.close("all")
    several = Ensemble([perceptron, perceptron])
    refused(TypeError, "Ensemble has no first layer", plots.weight_templates, several)
    refused(TypeError, "Ensemble has no first layer", plots.hinton_diagram, several)


def test_one_neuron_s_weights(ax):
    assert len(squares(plots.hinton_diagram(Neuron(5), ax=ax))[1]) == 5


def test_rows_and_columns_have_the_names_they_are_given():
    ax = paint(plots.hinton_diagram([[1.0, 2.0]], rows=["$r$"], columns=["$", "_b"]))
    assert [label.get_text() for label in ax.get_xticklabels() + ax.get_yticklabels()] == [
        "$",
        "_b",
        "r",
    ]
    refused_names = {"rows": ["a", "b"], "columns": ["a"]}
    plt.close("all")
    for side, names in refused_names.items():
        refused(
            ValueError,
            f"{side}, but {len(names)} names",
            plots.hinton_diagram,
            [[1.0, 2.0]],
            **{side: names},
        )


def test_templates_share_a_scale_on_which_0_is_grey_and_do_not_overlap():
    weights = np.random.default_rng(2).normal(size=(10, 6))
    ax = paint(plots.weight_templates(weights, (2, 3), names=list("abcdefghi$")))
    assert [image.get_array().tolist() for image in ax.images] == weights.reshape(10, 2, 3).tolist()
    full = np.abs(weights).max()
    assert {image.get_clim() for image in ax.images} == {(-full, full)}
    assert to_hex(ax.images[0].cmap(0.5)) == "#808080"
    assert to_hex(ax.images[0].cmap(1.0)) == "#ffffff"
    boxes = [
        (left, right, top, bottom)
        for left, right, bottom, top in (image.get_extent() for image in ax.images)
    ]
    for i, (left, right, top, bottom) in enumerate(boxes):
        assert (right - left, bottom - top) == (3, 2)
        assert all(
            x1 <= left or right <= x0 or y1 <= top or bottom <= y0 for x0, x1, y0, y1 in boxes[:i]
        )
    assert len({left for left, *_ in boxes}) == 5, "ten stand in two full rows"
    assert [text.get_text() for text in ax.texts] == list("abcdefghi$")
    assert not any(text.get_parse_math() for text in ax.texts)
    assert key(ax) == [f"−{full:.2g}", "0", f"+{full:.2g}"]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 11])
def test_templates_in_any_number(count):
    ax = paint(plots.weight_templates(np.zeros((count, 4)), columns=None if count < 11 else 20))
    assert len(ax.images) == count


@pytest.mark.parametrize(
    ("draw", "exception", "match", "args", "more"),
    [
        (
            plots.hinton_diagram,
            ValueError,
            r"weights must be finite, but nan stands at \(0, 1\)",
            ([[1.0, math.nan]],),
            {},
        ),
        (plots.hinton_diagram, ValueError, r"shape \(units, inputs\)", ([1.0, 2.0],), {}),
        (plots.hinton_diagram, ValueError, r"shape \(units, inputs\)", ([[]],), {}),
        (plots.hinton_diagram, ValueError, "differ in length", ([[1.0], [1.0, 2.0]],), {}),
        (
            plots.hinton_diagram,
            ValueError,
            "largest weight to draw must be above 0",
            ([[1.0]],),
            {"largest": 0.0},
        ),
        (
            plots.hinton_diagram,
            ValueError,
            "largest weight to draw must be above 0",
            ([[1.0]],),
            {"largest": math.nan},
        ),
        (plots.hinton_diagram, TypeError, "real numbers", ([["a"]],), {}),
        (plots.hinton_diagram, TypeError, "weights works on numbers", ([[None]],), {}),
        (
            plots.weight_templates,
            ValueError,
            "5 weights do not fill an image of 2 × 2: give shape",
            (np.zeros((1, 5)),),
            {},
        ),
        (
            plots.weight_templates,
            ValueError,
            "4 weights do not fill an image of 3 × 2",
            (np.eye(4), (3, 2)),
            {},
        ),
        (
            plots.weight_templates,
            ValueError,
            "4 units, but 1 names",
            (np.eye(4),),
            {"names": ["a"]},
        ),
        (plots.weight_templates, ValueError, "a column at least", (np.eye(4),), {"columns": 0}),
        (
            plots.weight_templates,
            ValueError,
            "weights must be finite",
            (np.full((1, 4), math.inf),),
            {},
        ),
    ],
)
def test_what_pictures_of_weights_refuse(draw, exception, match, args, more):
    refused(exception, match, draw, *args, **more)


def test_templates_after_each_update_of_a_perceptron():
    learned = sharif.learning_templates().updates
    steps = [f"{update.shown}, not {update.won}" for update in learned]
    ax = paint(plots.template_updates([update.templates for update in learned], steps=steps))
    expected = [image for update in learned for image in update.templates.values()]
    assert [image.get_array().ravel().tolist() for image in ax.images] == expected
    assert expected[-3:] == [
        [0, 1, 1, -1, 1, 0, -1, 0, -1],
        [0, 0, -1, 1, -1, 0, 0, 1, 0],
        [0, -1, 0, 0, 0, 0, 1, -1, 1],
    ]
    assert [text.get_text() for text in ax.texts] == ["T", "L", "X", *steps]
    assert key(ax) == ["−1", "0", "+1", "changed"]
    middles = [np.mean(np.reshape(image.get_extent(), (2, 2)), axis=1) for image in ax.images]
    framed = []
    for patch in ax.patches:
        middle = np.mean(patch.get_bbox().get_points(), axis=0)
        framed += [i for i, other in enumerate(middles) if middle == pytest.approx(other)]
    columns = [[list(update.templates).index(name) for name in update[:2]] for update in learned]
    assert sorted(framed) == sorted(3 * i + row for i, two in enumerate(columns) for row in two), (
        "the image's own template, and that of the class that won"
    )


def test_updates_from_elsewhere_of_models_and_without_a_change():
    model = Perceptron(4, classes=["a", "b", "c"])
    first = copy.deepcopy(model)
    model.fit([[1, 0, 0, 0]], ["b"], passes=1)
    ax = paint(plots.template_updates([first, model]))
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c", "1", "2"]
    assert len(ax.patches) == 2
    plt.close("all")
    ax = paint(plots.template_updates([model], before=model, names=["$", "_", "x"]))
    assert (len(ax.patches), key(ax)) == (0, ["−1", "0", "+1"])
    assert [text.get_text() for text in ax.texts] == ["$", "_", "x", "1"]


@pytest.mark.parametrize(
    ("match", "updates", "more"),
    [
        ("no updates to show", [], {}),
        ("matrices of one shape", [np.eye(4), np.zeros((3, 4))], {}),
        ("matrices of one shape", [np.eye(4)], {"before": np.zeros((3, 4))}),
        ("4 weights do not fill an image of 3 × 2", [np.eye(4)], {"shape": (3, 2)}),
        ("4 units, but 1 names", [np.eye(4)], {"names": ["a"]}),
        ("1 updates, but 2 names", [np.eye(4)], {"steps": ["a", "b"]}),
        ("weights must be finite", [np.full((1, 4), math.nan)], {}),
    ],
)
def test_what_template_updates_refuse(match, updates, more):
    refused(ValueError, match, plots.template_updates, updates, **more)


# Gradients. ---------------------------------------------------------------------------------------
def bars(ax):
    """The bars of a histogram: (left, right, bottom, height) of those that are not empty."""
    found = [
        (*patch.get_bbox().intervalx, patch.get_y(), patch.get_height()) for patch in ax.patches
    ]
    return [bar for bar in found if bar[3]]


def test_a_histogram_counts_the_gradients_of_each_layer():
    rng = np.random.default_rng(0)
    layers = {
        name: 10.0 ** rng.uniform(-4, 1, 40) * rng.choice([-1, 1], 40) for name in ("one", "$2")
    }
    ax = paint(plots.gradient_histograms(layers))
    logs = [np.log10(np.abs(gradients)) for gradients in layers.values()]
    counts = [
        int(((left <= logs[int(row)]) & (logs[int(row)] < right)).sum())
        for left, right, row, _ in bars(ax)
    ]
    heights = [height for *_, height in bars(ax)]
    assert sum(counts) == 80
    assert [height / max(heights) for height in heights] == pytest.approx(
        [count / max(counts) for count in counts]
    )
    assert max(heights) < 1, "no bar reaches into the layer above"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one (40)", "$2 (40)"]
    assert key(ax) == [f"share of the layer, up to {100 * max(counts) / 40:.0f} %", "median"]
    medians = [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1]
    assert medians == pytest.approx(
        [np.log10(np.median(np.abs(gradients))) for gradients in layers.values()]
    )


def test_the_scale_names_sizes():
    ax = paint(plots.gradient_histograms({"a": [1e-3, 1.0, 0.0]}))
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        "0",
        "10⁻³",
        "10⁻²",
        "10⁻¹",
        "10⁰",
    ]
    assert ax.get_xticks()[1:].tolist() == [-3, -2, -1, 0]


def test_gradients_of_exactly_0_stand_apart():
    ax = paint(plots.gradient_histograms({"a": [0.0, -0.0, 0.0, 0.01]}))
    (low, _, _, few), (left, right, _, many) = sorted(bars(ax), reverse=True)
    assert (low, few / many) == (-2.0, pytest.approx(1 / 3))
    assert left < ax.get_xticks()[0] < right < low
    assert key(ax) == ["share of the layer, up to 75 %", "exactly 0", "median of the others"]


@pytest.mark.parametrize(
    "gradients", [[0.0], [5e-324, 1e308], [1.0], [2.0, 2.0], list(10.0 ** np.arange(-40.0, 0.0))]
)
def test_gradients_of_any_size(gradients):
    ax = paint(plots.gradient_histograms({"a": gradients}))
    assert len(bars(ax)) <= 31
    assert len(ax.get_xticks()) <= 12


def test_a_network_after_backward():
    network = MLP(2, [3, 1], rng=random.Random(0))
    refused(
        ValueError,
        "9 of the 9 parameters of layer 1 have no gradient",
        plots.gradient_histograms,
        network,
    )
    (network([1.0, 2.0]) - 3.0).backward()
    ax = paint(plots.gradient_histograms(network, title="$"))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["layer 1 (9)", "layer 2 (4)"]
    dead = sum(p.grad == 0 for p in network.layers[0].parameters())
    scale = next(height for left, _, row, height in sorted(bars(ax)) if row == 0) / dead
    assert sum(round(height / scale) for _, _, row, height in bars(ax) if row == 0) == 9
    plt.close("all")
    one = network.layers[1].neurons[0]
    assert [label.get_text() for label in plots.gradient_histograms(one).get_yticklabels()] == [
        "layer 1 (4)"
    ]
    one.zero_grad()
    plt.close("all")
    refused(ValueError, "4 of the 4 parameters of layer 2", plots.gradient_histograms, network)


@pytest.mark.parametrize(
    ("exception", "match", "layers"),
    [
        (ValueError, "no layers", {}),
        (ValueError, r"gradients of a must have the shape \(parameters,\)", {"a": []}),
        (ValueError, "gradients of a must be finite, but inf stands at 1", {"a": [1.0, math.inf]}),
        (TypeError, "real numbers", {"a": ["b"]}),
    ],
)
def test_what_gradient_histograms_refuse(exception, match, layers):
    refused(exception, match, plots.gradient_histograms, layers)
