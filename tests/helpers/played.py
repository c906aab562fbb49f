"""What a scene shows at each step, by the frames of its picture: what a player is held against."""

from micrograd_plus.drawing.texts import plain


def texts_of(scene, moment):
    texts = scene.frames[moment].texts
    written = texts.written()
    wires = [wire for box in texts.model.boxes for wire in box.wires]
    placed = {
        id(wire)
        for (wire, _), at in zip(scene.frames.places.wires, scene.frames.places.labels)
        if at
    }
    return {
        "values": [plain(*written.get(("value", box), [[]])) for box in texts.model.boxes],
        "derivatives": [plain(*written.get(("derivative", b), [[]])) for b in texts.model.boxes],
        "wires": [
            " ".join(map(plain, written.get(("label", wire), []))) if id(wire) in placed else ""
            for wire in wires
        ],
    }


def same(text, other):
    """Whether two texts are the same, but for a sum that comes to nothing but rounding."""
    if text == other:
        return True
    (*first, last), (*others, end) = text.split(" "), other.split(" ")
    try:
        numbers = [float(number.replace("−", "-")) for number in (last, end)]
    except ValueError:
        return False
    return first == others and max(map(abs, numbers)) < 1e-12
