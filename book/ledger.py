"""Directives that show what the study keeps in files: the ledger of claims, and diagrams that a command draws."""

from collections import Counter
from pathlib import Path, PurePosixPath

from artefacts import SOURCES, read_verdicts
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
        self.verdicts = published_verdicts(self)
        columns = {
            "Claim": self.statement,
            "Published": self.published,
            "Measured": self.measured,
            "Judged by": self.rule,
        }
        rows = [[cell(claim) for cell in columns.values()] for claim in claims]
        table = table_of([[nodes.paragraph(text=name)] for name in columns], rows, widths=(32, 15, 23, 30))
        table["classes"] += ["claims", "colwidths-given"]
        labels = self.env.domains.standard_domain
        for row, claim in zip(next(table.findall(nodes.tbody)), claims, strict=True):
            row["ids"].append(claim.id)
            labels.anonlabels[claim.id] = self.env.docname, claim.id
            labels.labels[claim.id] = self.env.docname, claim.id, claim.id
        return [nodes.paragraph(text=f"Claims: {len(claims)}."), table]

    def statement(self, claim):
        origin = nodes.Text(f" · {claim.where} · {claim.kind}")
        notebook = PurePosixPath(claim.notebook).stem
        target = {"refdomain": "std", "reftype": "doc", "reftarget": f"/notebooks/{notebook}", "refexplicit": True}
        # Not every notebook of the ledger exists yet; without one its name stands there as plain text.
        place = addnodes.pending_xref(
            "", nodes.literal(text=notebook), refdoc=self.env.docname, refwarn=False, **target
        )
        artefacts = [self.artefact(name) for name in claim.artefacts]
        seen = [node for pair in zip([nodes.Text(" · ")] * len(artefacts), artefacts, strict=True) for node in pair]
        return [
            nodes.paragraph(text=claim.statement),
            nodes.paragraph("", "", nodes.literal(text=claim.id), origin, classes=["origin"]),
            nodes.paragraph("", "", nodes.Text("Measured in "), place, *seen, classes=["origin"]),
        ]

    def artefact(self, name):
        target = {"refdomain": "std", "reftype": "doc", "reftarget": f"/artefacts/{name}", "refexplicit": True}
        return addnodes.pending_xref("", nodes.inline(text=name), refdoc=self.env.docname, refwarn=False, **target)

    def published(self, claim):
        return [nodes.paragraph(text=claim.published)]

    def measured(self, claim):
        row = self.verdicts.get(claim.id, {"verdict": "missing"})
        values = filter(None, (row.get("measured"), row.get("n") and f"n = {row['n']}", row.get("interval")))
        shown = [nodes.paragraph("", "", nodes.strong(text=row["verdict"]))]
        shown += [nodes.paragraph(text=value) for value in values]
        if row.get("stand-in"):
            shown.append(nodes.paragraph(text=f"Stand-in: {row['stand-in']}", classes=["origin"]))
        if row["verdict"] == "not testable here":
            shown.append(nodes.paragraph(text=row["reason"]))
        return shown

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


class Verdicts(SphinxDirective):
    """How many claims of each source hold, as a table whose rows lead to the claims."""

    def run(self):
        rows = published_verdicts(self).values()
        if not rows:
            return [nodes.paragraph(text="The scoreboard has not been published at this size yet.")]
        # The order of the verdicts belongs to the scoreboard; its module loads the whole study room.
        from nbsupport.study.scoreboard import VERDICTS

        counted = Counter((row["source"], row["verdict"]) for row in rows)
        body = [[self.link(source), *self.numbers([counted[source, name] for name in VERDICTS])] for source in SOURCES]
        totals = [sum(counted[source, name] for source in SOURCES) for name in VERDICTS]
        body.append([[nodes.paragraph("", "", nodes.strong(text="all"))], *self.numbers(totals)])
        heading = [[nodes.paragraph(text=name)] for name in ("source", *VERDICTS, "claims")]
        table = table_of(heading, body, widths=(30, *[14] * (len(VERDICTS) + 1)))
        table["classes"].append("verdicts")
        return [table]

    def link(self, source):
        target = {"refdomain": "std", "reftype": "ref", "reftarget": f"claims-{source}", "refexplicit": True}
        words = nodes.inline(text=f"{SOURCES[source]} · {source}")
        return [
            nodes.paragraph("", "", addnodes.pending_xref("", words, refdoc=self.env.docname, refwarn=True, **target))
        ]

    def numbers(self, values):
        return [[nodes.paragraph(text=str(value))] for value in (*values, sum(values))]


def published_verdicts(directive):
    """Rows of the published table of claims by claim; the page is made again when that table changes."""
    root, size = Path(directive.config.study_root), directive.config.study_size
    directive.env.note_dependency(str(root / "figures" / size / "claims.csv"))
    return {row["claim"]: row for row in read_verdicts(root, size)}


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
    app.add_directive("verdicts", Verdicts)
    app.add_directive("figure-if-drawn", FigureIfDrawn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
