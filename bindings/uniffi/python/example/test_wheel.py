import os
import pathlib
import subprocess
import sys
import venv
import zipfile

ROOT = pathlib.Path(__file__).parents[2]


def test_the_wheel_runs_where_nothing_else_is(tmp_path):
    subprocess.run([sys.executable, ROOT / "build.py", "wheel"], check=True, timeout=300)
    (wheel,) = (ROOT / "python" / "dist").glob("*.whl")
    # No Python's own interface is used, and the library inside is that of one platform.
    name, version, python, interface, platform = wheel.stem.split("-")
    assert (name, python, interface) == ("chat_engine", "py3", "none")
    assert platform != "any"
    with zipfile.ZipFile(wheel) as packed:
        licences = {pathlib.PurePath(file).name for file in packed.namelist() if "/licenses/" in file}
    assert licences == {"LICENSE-APACHE", "LICENSE-MIT"}
    # What this test was found with must not be found there.
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-index", wheel], env=clean, check=True, timeout=300)
    first = pathlib.Path(__file__).with_name("first.py")
    ran = subprocess.run([python, first], cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "ann: On my way\n1 unread\n", "")
