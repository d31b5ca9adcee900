"""The program that measures what a call costs says so; what it costs is for ``cargo xtask bench bindings`` to judge."""

import json
import pathlib
import subprocess
import sys

CALLS = pathlib.Path(__file__).parents[1] / "bench" / "calls.py"


def test_what_a_call_costs_is_measured_for_every_kind():
    ran = subprocess.run([sys.executable, CALLS, "0.01"], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    costs = json.loads(ran.stdout)
    assert list(costs) == ["scalar", "object", "async", "event"]
    assert all(micros > 0 for micros in costs.values()), costs
