"""`python -m bench [NAME …]`: run the benches named, or all of them; `--list` tells which there are."""

from __future__ import annotations

import argparse
import ast
import importlib
import pathlib

FOLDER = pathlib.Path(__file__).parent


def main() -> None:
    """Read the command line and run."""
    known = benches()
    told = "\n".join(f"  {name:<10} {what}" for name, what in known.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"Run benches and write bench/results/NAME.md.\n\n{told}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all of them without a name")
    parser.add_argument("--list", action="store_true", help="list them and stop")
    asked = parser.parse_args()
    if asked.list:
        print(told)
        return
    if unknown := set(asked.names) - known.keys():
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    for name in asked.names or known:
        importlib.import_module(f"bench.{name}").main()


def benches() -> dict[str, str]:
    """Each bench with the first line of its docstring, read off the files: none is imported for it."""
    found: dict[str, str] = {}
    for path in sorted(FOLDER.glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        if not path.stem.startswith("_") and any(
            isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body
        ):
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


if __name__ == "__main__":
    main()
