"""Ten published exercises: an explanation has each line that its author writes."""

import pytest
from published import EXERCISES


@pytest.mark.parametrize("name", EXERCISES)
def test_an_explanation_says_what_its_author_writes(name):
    exercise = EXERCISES[name]
    lines = [line.strip() for line in str(exercise.explained()).splitlines()]
    for line in exercise.written:
        assert line in lines
