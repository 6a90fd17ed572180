import json
import re

import pytest

pytestmark = pytest.mark.notebook


def test_the_report_shows_every_notebook_figure_and_claim_and_names_what_is_missing(toy, nbsupport_command):
    (toy / "notebooks/02_other.py").write_text((toy / "notebooks/01_toy.py").read_text().replace("01_toy", "02_other"))
    assert nbsupport_command("run", "01_toy", "--size", "smoke").returncode == 0
    done = nbsupport_command("report", "--size", "smoke")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "report: figures/smoke/report.html"
    page = (toy / "figures/smoke/report.html").read_text()
    assert re.search(r"<td>01_toy</td><td>done</td>", page)
    assert re.search(r"<td>02_other</td><td><span class=\"quiet\">not run at this size", page)
    alt = json.loads((toy / "figures/smoke/toy-fig-1.json").read_text())["alt"]
    assert f'src="toy-fig-1.png" alt="{alt}"' in page
    assert page.count("<td>missing</td>") > 100
    for target in re.findall(r'(?:href|src)="([^"]+)"', page):
        assert (toy / "figures/smoke" / target).exists(), target


def test_the_report_links_the_notebook_of_a_failed_run(toy, nbsupport_command):
    (toy / "params/smoke/01_toy.yaml").write_text("fail: true\n")
    assert nbsupport_command("run", "01_toy", "--size", "smoke").returncode == 1
    assert nbsupport_command("report", "--size", "smoke").returncode == 0
    assert "../../data/runs/smoke/01_toy.failed.ipynb" in (toy / "figures/smoke/report.html").read_text()


def test_an_unknown_size_is_refused_with_the_nearest(toy, nbsupport_command):
    done = nbsupport_command("report", "--size", "smok")
    assert done.returncode == 2
    assert "did you mean 'smoke'" in done.stderr
