import os
import pathlib
import subprocess
import sys

FIRST = pathlib.Path(__file__).with_name("first.py")


def test_it_says_what_it_should_and_ends_each_time(tmp_path):
    # Again and again: a thread that came back at the wrong moment took the process down about every third time.
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        # It is run as a program of its own, and elsewhere: the package is looked for where this test found it.
        path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        ran = subprocess.run([sys.executable, FIRST], cwd=folder, env=path, capture_output=True, text=True, timeout=60)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "ann: On my way\n1 unread\n", "")
