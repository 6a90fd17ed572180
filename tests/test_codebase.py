import sys

import pytest

from nbsupport import codebase
from nbsupport.codebase import PACKAGE, code_behind, code_sha256
from nbsupport.study import layout


def test_the_code_behind_a_notebook_is_what_importing_it_loads(tmp_path):
    import subprocess

    source = tmp_path / "05_some.py"
    source.write_text("from nbsupport import study\nimport nbsupport.simulate.structures\n", encoding="utf-8")
    found = {path.relative_to(PACKAGE).as_posix() for path in code_behind(source)}
    probe = (
        f"exec(open({str(source)!r}).read()); import sys; print(*[m for m in sys.modules if m.startswith('nbsupport')])"
    )
    printed = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    loaded = {name.replace("nbsupport", "", 1).strip(".").replace(".", "/") for name in printed.split()}
    as_files = {
        f"{name}.py" if (PACKAGE / f"{name}.py").exists() else f"{name}/__init__.py".lstrip("/") for name in loaded
    }
    assert found >= as_files


def test_the_runner_and_the_report_stand_behind_no_notebook():
    for source in layout.NOTEBOOKS.glob("*.py"):
        behind = set(code_behind(source))
        study = layout.ROOT / "nbsupport" / "study"
        assert study / "claims.py" in behind
        assert behind.isdisjoint(study / name for name in ("run.py", "plan.py", "report.py", "cli.py", "pair.py"))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two modules, one of which is imported, and the room that publishes; and a notebook."""
    root = tmp_path / PACKAGE.name
    (root / "study").mkdir(parents=True)
    (root / "study/__init__.py").write_text("CAPTION = 'old'\n")
    (root / "__init__.py").write_text("")
    (root / "optics.py").write_text("INDEX = 1.33\n")
    (root / "unused.py").write_text("INDEX = 1.0\n")
    (tmp_path / "notebook.py").write_text("from nbsupport import optics, study\n")
    monkeypatch.setattr(codebase, "PACKAGE", root)
    return root


@pytest.mark.parametrize(
    ("name", "changes"),
    [("optics.py", True), ("study/__init__.py", False), ("unused.py", False), ("../notebook.py", False)],
)
def test_results_are_void_when_code_that_computes_has_changed_and_only_then(package, name, changes):
    notebook = package.parent / "notebook.py"
    before = code_sha256(notebook)
    (package / name).write_text((package / name).read_text() + "# a word more\n")
    assert (code_sha256(notebook) != before) == changes


def test_a_module_counts_itself(package):
    before = code_sha256(package / "optics.py")
    (package / "optics.py").write_text("INDEX = 1.52\n")
    assert code_sha256(package / "optics.py") != before
