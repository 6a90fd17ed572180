import subprocess
import sys
from pathlib import Path

from nbsupport import study
from nbsupport.codebase import code_behind

HEAVY = "import sys, nbsupport.study.cli; print(*{'matplotlib', 'xarray', 'torch', 'IPython'} & set(sys.modules))"


def test_the_command_line_starts_without_a_plotting_library():
    assert (
        subprocess.run([sys.executable, "-c", HEAVY], capture_output=True, text=True, check=True).stdout.split() == []
    )


def test_a_name_that_is_imported_when_it_is_used_stands_behind_a_notebook_all_the_same(tmp_path):
    source = tmp_path / "05_some.py"
    source.write_text("from nbsupport import study\n", encoding="utf-8")
    behind = code_behind(source)
    assert set(study.__all__) >= {"claim", "publish_figure", "streams"}
    for name in study.__all__:
        assert Path(sys.modules[getattr(study, name).__module__].__file__) in behind, name
