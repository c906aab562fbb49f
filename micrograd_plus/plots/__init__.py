"""Pictures of data, models and trainings: each plot draws on the Axes it is given, or on a new
figure, and returns them; `panels` draws one for each of several models.

They need matplotlib (extra `plot`). Colours are those of Okabe and Ito (2008) and ColorBrewer's
blues (2003), which the colour-blind tell apart; shape, dashes or lightness say the same once more.
Ink follows the background, light or dark. Labels and titles are shown as they are written, dollar
signs too. The key stands above the Axes, where no data are, and a title above the key: pass it as
`title=`, for `ax.set_title` does not know of the key. Several plots on one figure have room for all
that when it is made with `layout="constrained"`.
"""

from .activations import activation_curves
from .differences import difference_error
from .fits import fitted_curve
from .gradients import gradient_histograms
from .losses import loss_curves
from .one_weight import error_curve
from .regions import decision_regions
from .shapes import loss_shapes
from .side_by_side import panels
from .surfaces import error_contours, error_surface
from .weights import hinton_diagram, template_updates, weight_templates

__all__ = [
    "activation_curves",
    "decision_regions",
    "difference_error",
    "error_contours",
    "error_curve",
    "error_surface",
    "fitted_curve",
    "gradient_histograms",
    "hinton_diagram",
    "loss_curves",
    "loss_shapes",
    "panels",
    "template_updates",
    "weight_templates",
]
