"""A program has the same bits wherever it runs: engine, executors, text, C, WebAssembly,
JavaScript; at inf and nan, too.
"""

import everywhere
import pytest


def test_random_programs_have_the_same_bits_wherever_they_run(tmp_path):
    cases = [everywhere.wild(seed) for seed in range(24)]
    cases += filter(None, map(everywhere.tame, range(8)))
    assert len(cases) >= 30
    print(f"{everywhere.run(tmp_path, cases)} ulps")


@pytest.mark.slow
@pytest.mark.parametrize("part", range(40))
def test_ten_thousand_random_programs(part, tmp_path):
    seeds = range(1_000 + 250 * part, 1_000 + 250 * (part + 1))
    cases = [everywhere.wild(seed) for seed in seeds if seed % 5]
    cases += filter(None, [everywhere.tame(seed) for seed in seeds if seed % 5 == 0])
    print(f"{everywhere.run(tmp_path, cases)} ulps")
