"""Set up and run Threadmate on a machine that has only Python 3.11 and git.

    python3 bootstrap.py run [ARGS]    install what the bot needs, then `python -m bot ARGS`
    python3 bootstrap.py check         install what the checks need, then lint, types, tests, coverage
    python3 bootstrap.py test [ARGS]   install what the checks need, then pytest ARGS alone

Everything goes into `.venv` beside this file, from the hash-locked files `requirements.lock` and
`requirements-dev.lock`; a later call installs nothing unless a lock changed, so it runs offline.
Standard library only, by need: it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROGRAMS = (  # Debian's package, what the program may be called, the tests that drive it
    ("chromium", BROWSERS, "the browser tests"),
    ("prometheus", ("prometheus",), "the tests of the dashboard"),
)

CHECKS: tuple[tuple[str, ...], ...] = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    *(("mypy", str(path.relative_to(ROOT))) for path in sorted(ROOT.glob("tests/*/**/conftest.py"))),
    (
        "pytest",
        "-n",
        "auto",
        "--cov",
        "--cov-report=term:skip-covered",
    ),
)


def main(arguments: list[str]) -> int:
    """Do what the first word says; return the exit status."""
    word, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if word not in {"run", "check", "test"}:
        print(__doc__)
        return 2
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before any version is ensured
        found = ".".join(map(str, sys.version_info[:2]))
        print(f"Threadmate needs Python 3.11 or newer; this is {found}. Install it and use that.")
        return 2
    if not ensure_installed("requirements.lock" if word == "run" else "requirements-dev.lock"):
        return 1
    if word == "run":
        return call("bot", *rest)
    ensure_programs()
    if word == "test":
        return call("pytest", *rest)
    return max(call(*check) for check in CHECKS)


def call(module: str, *arguments: str) -> int:
    """Run a module of the virtual environment in the foreground; Ctrl-C reaches it, not us."""
    # The bot stays in the working directory, where its `.env` and its database are; the checks are run here.
    where = None if module == "bot" else ROOT
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([PYTHON, "-m", module, *arguments], cwd=where, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the child got it too and is shutting down


def ensure_installed(lock_name: str) -> bool:
    """Install the lock into `.venv` unless just that lock is there already; False when it failed."""
    lock = ROOT / lock_name
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = VENV / f".installed-{lock.stem}"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == digest:
        return True
    try:
        if not PYTHON.exists():
            print(f"Creating {VENV} …", flush=True)
            venv.create(VENV, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"Could not create {VENV}: {error}. On Debian or Ubuntu: apt-get install python3-venv")
        return False
    print(f"Installing {lock_name} …", flush=True)
    pip = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--no-deps",  # the lock is whole; pip would seek newer releases of what is named with extras
        "-r",
        str(lock),
    ]
    if subprocess.call(pip) != 0:
        print("pip could not install the packages (see above). Check the network, then run this again.")
        return False
    stamp.write_text(digest)
    return True


def ensure_programs() -> None:
    """Have the programs that some tests drive; without one its tests are skipped, and it is named here."""
    missing = [package for package, names, _ in PROGRAMS if not find(names)]
    apt = shutil.which("apt-get")
    may = hasattr(os, "geteuid") and os.geteuid() == 0
    if missing and apt and (may or shutil.which("sudo")):
        print(f"Installing {' and '.join(missing)} for the tests …", flush=True)
        for step in ([apt, "update", "-q"], [apt, "install", "-y", "--no-install-recommends", *missing]):
            subprocess.call(
                step if may else ["sudo", "-n", *step],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
    for package, names, tests in PROGRAMS:
        if not find(names):
            print(f"There is no {package} here and apt-get could not install one: {tests} are skipped.")
            print(f"Install {package} and run this again to have them.")


def find(names: tuple[str, ...]) -> str | None:
    """Where a program of one of these names is, None when there is none."""
    return next((path for name in names if (path := shutil.which(name))), None)


def find_browser() -> str | None:
    """Where a Chromium is, None when there is none."""
    return find(BROWSERS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
