"""Directives that show what the study keeps in files: the ledger of claims, and diagrams that a command draws."""

from pathlib import Path, PurePosixPath

from docutils import nodes
from sphinx import addnodes
from sphinx.directives.patches import Figure
from sphinx.util.docutils import SphinxDirective


def table_of(heading, rows, widths):
    """A docutils table.

    Parameters
    ----------
    heading : list of list of Node
        Content of each heading cell.
    rows : list of list of list of Node
        Content of each cell of each row.
    widths : tuple of int
        Relative widths of the columns.

    Returns
    -------
    docutils.nodes.table
    """
    head, *body = (nodes.row("", *(nodes.entry("", *cell) for cell in cells)) for cells in (heading, *rows))
    columns = (nodes.colspec(colwidth=width) for width in widths)
    group = nodes.tgroup("", *columns, nodes.thead("", head), nodes.tbody("", *body), cols=len(widths))
    return nodes.table("", group)


class Claims(SphinxDirective):
    """The claims of one source, as a table; a column is a heading and the method that fills its cells."""

    required_arguments = 1

    def run(self):
        path = Path(self.config.study_root) / "params" / "claims.yaml"
        for file in (path, __file__):
            self.env.note_dependency(str(file))
        if not path.exists():
            return [nodes.paragraph(text="The ledger of claims, params/claims.yaml, has not been written yet.")]
        # Here, since it loads the whole study room: seconds that a build without a changed ledger need not wait.
        from nbsupport.study.claims import ledger

        source = self.arguments[0]
        claims = [claim for claim in ledger(path)[1].values() if claim.source == source]
        if not claims:
            raise self.error(f"params/claims.yaml has no claim of {source!r}")
        columns = {"Claim": self.statement, "Published": self.published, "Judged by": self.rule}
        rows = [[cell(claim) for cell in columns.values()] for claim in claims]
        table = table_of([[nodes.paragraph(text=name)] for name in columns], rows, widths=(40, 18, 42))
        table["classes"] += ["claims", "colwidths-given"]
        for row, claim in zip(next(table.findall(nodes.tbody)), claims, strict=True):
            row["ids"].append(claim.id)
        return [nodes.paragraph(text=f"Claims: {len(claims)}."), table]

    def statement(self, claim):
        origin = nodes.Text(f" · {claim.where} · {claim.kind}")
        notebook = PurePosixPath(claim.notebook).stem
        target = {"refdomain": "std", "reftype": "doc", "reftarget": f"/notebooks/{notebook}", "refexplicit": True}
        # Not every notebook of the ledger exists yet; without one its name stands there as plain text.
        place = addnodes.pending_xref(
            "", nodes.literal(text=notebook), refdoc=self.env.docname, refwarn=False, **target
        )
        artefacts = nodes.Text("".join(f" · {name}" for name in claim.artefacts))
        return [
            nodes.paragraph(text=claim.statement),
            nodes.paragraph("", "", nodes.literal(text=claim.id), origin, classes=["origin"]),
            nodes.paragraph("", "", nodes.Text("Measured in "), place, artefacts, classes=["origin"]),
        ]

    def published(self, claim):
        return [nodes.paragraph(text=claim.published)]

    def rule(self, claim):
        meanings = {name: f" ({entry['unit']}): {entry['meaning']}" for name, entry in claim.quantities.items()}
        quantities = [
            nodes.paragraph("", "", nodes.literal(text=name), nodes.Text(meaning), classes=["origin"])
            for name, meaning in meanings.items()
        ]
        rules = [
            nodes.paragraph("", "", nodes.strong(text=verdict), nodes.Text(" if "), nodes.literal(text=rule))
            for verdict, rule in claim.rule.items()
        ]
        return [nodes.paragraph(text=claim.measure), *rules, *quantities]


class FigureIfDrawn(Figure):
    """A figure, or a sentence that names the file when no command has drawn it yet."""

    def run(self):
        name = self.arguments[0]
        environment = self.state.document.settings.env
        environment.note_dependency(name)
        if not Path(environment.srcdir, name).exists():
            return [nodes.paragraph("", "", nodes.literal(text=name), nodes.Text(" has not been drawn yet."))]
        return super().run()


def setup(app):
    """Register the directives with Sphinx."""
    app.add_directive("claims", Claims)
    app.add_directive("figure-if-drawn", FigureIfDrawn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
