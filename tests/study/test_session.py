"""Who sits at a notebook, asked of real kernels: by a batch client and by one that takes questions."""

import nbformat
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

from nbsupport import study

ASK = "from nbsupport import study\nprint(study.interactive())"


def test_a_batch_run_is_not_interactive():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(ASK)])
    NotebookClient(notebook, kernel_name="python3").execute()
    assert notebook.cells[0].outputs[0].text == "False\n"


def test_a_front_end_that_takes_questions_is_interactive():
    manager, client = start_new_kernel(kernel_name="python3")
    printed = []
    try:
        client.execute_interactive(
            ASK,
            allow_stdin=True,
            timeout=60,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "".join(printed) == "True\n"


def test_a_script_without_a_kernel_is_not_interactive():
    assert study.interactive() is False
