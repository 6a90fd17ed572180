import sys

from nbsupport.codebase import PACKAGE, code_behind
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
