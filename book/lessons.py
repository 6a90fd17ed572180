"""The directive ``lessons``: the table of the lesson plan, filled with what is read from the notebooks."""

from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

WIDTHS = (26, 34, 12, 12, 16)


class Lessons(SphinxDirective):
    """A table of all lessons; the content is YAML, every notebook's name with ``teach``, ``after`` and ``asks``."""

    has_content = True

    def run(self):
        # Here, since it loads the study room: seconds that a build without this page need not wait.
        from nbsupport.study.classroom import lesson_table, lessons

        for file in (__file__, *Path(self.env.srcdir, "notebooks").glob("*.ipynb")):
            self.env.note_dependency(str(file))

        def link(name):
            target = f"notebooks/{name}.ipynb"
            return target if Path(self.env.srcdir, target).exists() else None

        try:
            found = self.parse_text_to_nodes(lesson_table(lessons("\n".join(self.content)), link))
        except ValueError as error:
            raise self.error(str(error)) from None
        (table,) = found
        table["classes"] += ["lessons", "colwidths-given"]
        for column, width in zip(table.findall(nodes.colspec), WIDTHS, strict=True):
            column["colwidth"] = width
        return found


def setup(app):
    """Register the directive with Sphinx."""
    app.add_directive("lessons", Lessons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
