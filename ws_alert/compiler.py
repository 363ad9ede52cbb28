"""Compiles the hot path: `python -m ws_alert.compiler`, which `make setup` runs. A minute or two, once for each version.

What is missing for it is named with its remedy. Whatever it is, and if it fails, the program runs without.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile
from importlib.util import find_spec
from pathlib import Path

from ws_alert.compiled import MODULES, ROOT, folder

__all__ = ["main", "missing"]

_UNFINISHED = "unfinished-"
_OURS_ONLY = ["-fvisibility=hidden", "-fno-semantic-interposition", "-fno-plt"]
"""Nobody else calls our functions: calls between them are then direct, and those of Python take one jump less."""


def missing() -> str:
    """Return what is missing for compiling, with the remedy; empty if nothing is."""
    if find_spec("mypyc") is None:
        return "mypy is missing. Type: make setup"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"There is no C compiler ({compiler}). Type: sudo apt install gcc python3-dev"
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        return "Python's headers are missing. Type: sudo apt install python3-dev"
    return ""


def _build(place: Path) -> None:
    """Compile this very code, and remove what older code left there."""
    place.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=place.parent) as name:
        built = _compile(Path(name))
        for older in place.parent.iterdir():
            if not older.name.startswith(_UNFINISHED):
                shutil.rmtree(older, ignore_errors=True)
        try:
            built.rename(place)
        except OSError:
            if not place.is_dir():  # else somebody else was quicker
                raise


def _compile(work: Path) -> Path:
    # half a second to import, and `doctor` asks only for what is missing
    from mypyc.build import mypycify  # noqa: PLC0415
    from setuptools import Distribution  # noqa: PLC0415
    from setuptools.command.build_ext import build_ext  # noqa: PLC0415

    os.chdir(ROOT)
    files = [f"{name.replace('.', '/')}.py" for name in MODULES]
    options = ["--cache-dir", str(work / "types")]
    extensions = mypycify([*options, *files], opt_level="2", debug_level="0", target_dir=str(work / "c"))
    for extension in extensions:
        extension.extra_compile_args += _OURS_ONLY
    command = build_ext(Distribution({"name": "teleglas", "ext_modules": extensions}))
    command.build_lib, command.build_temp = str(work / "built"), str(work / "objects")
    command.ensure_finalized()
    command.run()
    return work / "built"


def main() -> int:
    """Compile, unless this very code was compiled before, and say how it went; return the exit code."""
    if lacking := missing():
        print(f"The hot path stays interpreted, which is slower and nothing else. {lacking}", file=sys.stderr)
        return 0
    place = folder()
    if not place.is_dir():
        print("Compiling the hot path (about a minute)", file=sys.stderr)
        try:
            _build(place)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - three tools, each with errors of its own
            print(f"That failed, so that it stays interpreted: {error!r}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
