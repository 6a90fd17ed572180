"""One page for each published figure and table, and an index of them all, written into the gathered sources."""

import csv
import io
import json
from itertools import groupby
from types import SimpleNamespace

import yaml
from PIL import Image

FOLDER = "artefacts"
INDEX = f"{FOLDER}/index"
THUMBNAIL_PX = 320
NAMES = {"csv": "numbers (CSV)", "json": "card (JSON)", "svg": "SVG", "png": "PNG, 300 dpi", "md": "Markdown"}
SOURCES = {
    "jadhav2021": "Artefact removal",
    "laine2021": "Denoising tour",
    "lefebvre2020": "Localisation microscopy",
    "wang2021": "Transfer learning",
    "hughes2024": "Structured illumination",
}


def published(root, size):
    """Everything that the study has published at one size, in the order of the index.

    Parameters
    ----------
    root : Path
        The repository.
    size : str

    Returns
    -------
    list of SimpleNamespace
        ``id``, ``card`` (what its JSON says), ``run`` (record of the run that made it, or None), ``title``, ``source``
        (None for what no source asks for), ``shows`` and ``claims`` (rows of the published ledger). What a source asks
        for comes first, in the order of the ledger; the rest follows notebook by notebook.
    """
    folder = root / "figures" / size
    ledger = read_ledger(root)
    wanted = {entry["id"]: entry for entry in ledger.get("artefacts", [])}
    verdicts = {row["claim"]: row for row in read_verdicts(root, size)}
    claims = {}
    for claim in ledger.get("claims", []):
        for name in claim.get("artefacts", []):
            claims.setdefault(name, []).append(verdicts.get(claim["id"], {"claim": claim["id"], "verdict": "missing"}))
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "runs").glob("*.json"))]
    made_by = {name: run for run in runs for name in run["published"]}
    cards = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json")))
    made = [
        SimpleNamespace(
            id=card["id"],
            card=card,
            run=made_by.get(card["id"]),
            title=" ".join(wanted.get(card["id"], {}).get("title", card["id"]).split()),
            source=wanted.get(card["id"], {}).get("source"),
            shows=" ".join(wanted.get(card["id"], {}).get("shows", "").split()),
            claims=claims.get(card["id"], []),
        )
        for card in cards
        if all((folder / file).is_file() for file in card["files"])
    ]
    order = {name: number for number, name in enumerate(wanted)}
    return sorted(made, key=lambda it: (order.get(it.id, len(order)), it.card["provenance"]["notebook"], it.id))


def read_ledger(root):
    """The ledger of artefacts and claims as it stands in its file; empty where there is none."""
    path = root / "params" / "claims.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def read_verdicts(root, size):
    """Rows of the table of claims that the scoreboard has published at one size; none before it has run."""
    path = root / "figures" / size / "claims.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def add_artefact_pages(sources, size):
    """Write the pages and their index, and bring the files they link to.

    Parameters
    ----------
    sources : gather.SourceFolder
        Receives the files; its notebooks have been added.
    size : str
    """
    made = published(sources.root, size)
    folder = sources.root / "figures" / size
    for number, artefact in enumerate(made):
        for file in (*artefact.card["files"], f"{artefact.id}.json"):
            sources.add(f"figures/{size}/{file}", (folder / file).read_bytes())
        if artefact.card["kind"] == "figure":
            add_thumbnail(sources, folder / f"{artefact.id}.png")
        neighbours = [made[n] if 0 <= n < len(made) else None for n in (number - 1, number + 1)]
        text = page(artefact, size, neighbours, folder)
        sources.add(f"{FOLDER}/{artefact.id}.md", sources.prose(text, FOLDER).encode())
    text = index(made, size, [entry["id"] for entry in read_ledger(sources.root).get("artefacts", [])])
    sources.add(f"{INDEX}.md", sources.prose(text, FOLDER).encode())


def add_thumbnail(sources, picture):
    """Write a small copy of a picture, unless there is one that is not older."""
    name = f"{FOLDER}/thumbnails/{picture.stem}.jpg"
    thumbnail = sources.folder / name
    if thumbnail.exists() and thumbnail.stat().st_mtime >= picture.stat().st_mtime:
        sources.add(name, thumbnail.read_bytes())
        return
    small, buffer = Image.open(picture).convert("RGB"), io.BytesIO()
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    small.save(buffer, "JPEG", quality=80)
    sources.add(name, buffer.getvalue())


def page(artefact, size, neighbours, folder):
    """Markdown of one artefact's page: picture or table, caption, words for it, files, claims, provenance."""
    card = artefact.card
    files = [f"{artefact.id}.json", *card["files"]]
    links = " · ".join(f"{{download}}`{NAMES[file.rpartition('.')[2]]} <../figures/{size}/{file}>`" for file in files)
    title = artefact.title if artefact.source else f"{card['kind'].capitalize()} {artefact.id}"
    parts = ["---\norphan: true\n---", f"# {title}"]
    if artefact.source:
        parts.append(f"`{artefact.id}`, asked for by [{artefact.source}].")
    parts += [_body(artefact, size, folder), f"**Files.** {links}"]
    if artefact.shows:
        parts += ["## In the source", artefact.shows]
    if artefact.claims:
        parts.append("## Claims that it bears on")
        parts.append("\n".join(f"- {{ref}}`{row['claim']}`: **{row['verdict']}**" for row in artefact.claims))
    if card["kind"] == "figure":
        parts += ["## In words", card["alt"]]
    parts += ["## Provenance", _provenance(artefact, size), _ways_on(neighbours)]
    return "\n\n".join(parts) + "\n"


def _body(artefact, size, folder):
    card = artefact.card
    if card["kind"] == "figure":
        options = f":alt: {json.dumps(card['alt'], ensure_ascii=False)}"
        return f":::{{figure}} ../figures/{size}/{artefact.id}.png\n{options}\n\n{card['caption']}\n:::"
    table = (folder / f"{artefact.id}.md").read_text(encoding="utf-8").strip()
    return f"{table}\n\n**{artefact.id}.** {card['caption']}"


def _provenance(artefact, size):
    # Here, since it loads the whole study room: seconds that a build without figures need not wait.
    from nbsupport.study.progress import duration

    known = artefact.card["provenance"]
    values = ", ".join(f"`{name}={value!r}`" for name, value in known["parameters"].items()) or "none"
    rows = {
        "Notebook": f"[{known['notebook']}](../notebooks/{known['notebook']}.ipynb)",
        "Size": f"{size} · {known['threads']} thread{'s' if known['threads'] > 1 else ''}, {known['device']}",
        "Commit": f"`{known['commit']}`" + (", with changes that were not committed" if known["dirty"] else ""),
        "Versions": ", ".join(f"{name} {number}" for name, number in known["versions"].items()),
        "Parameters": values,
        "Data": ", ".join(dict.fromkeys(entry["name"] for entry in known["data"])) or "simulated only",
    }
    if artefact.run:
        time, memory = duration(artefact.run["wall_s"]), artefact.run["peak_memory_gib"]
        rows["Time"] = f"{time} for all that the run published ({len(artefact.run['published'])}); {memory:.1f} GiB"
    return "\n\n".join(f"{name}\n: {value}" for name, value in rows.items())


def _ways_on(neighbours):
    before, after = neighbours
    ways = [f"← [{before.id}]({before.id}.md)" if before else "", "[All figures and tables](index.md)"]
    ways.append(f"[{after.id}]({after.id}.md) →" if after else "")
    return " · ".join(filter(None, ways))


def index(made, size, wanted):
    """Markdown of the index: a tile for each artefact, by source, then by notebook."""
    parts = ["# Figures and tables"]
    if not made:
        return f"{parts[0]}\n\nNothing has been published at size `{size}` yet.\n"
    parts.append(
        f"All that the study has published at size `{size}`: {len(made)} figures and tables. Each has a page with its "
        "numbers, its files, the claims that it bears on, and where it comes from. What the sources ask for comes "
        "first; what the study adds follows, notebook by notebook."
    )
    for source, tiles in groupby((it for it in made if it.source), key=lambda it: it.source):
        parts += [f"## {SOURCES[source]}", f"Figures, tables and equations of [{source}].", _gallery(tiles)]
    if missing := [name for name in wanted if name not in {it.id for it in made}]:
        parts += ["## Still missing", f"Not published at this size yet: {', '.join(f'`{name}`' for name in missing)}."]
    beyond = (it for it in made if not it.source)
    for notebook, tiles in groupby(beyond, key=lambda it: it.card["provenance"]["notebook"]):
        parts += [f"## Beyond the sources: {notebook}", f"Made by [{notebook}](../notebooks/{notebook}.ipynb)."]
        parts.append(_gallery(tiles))
    return "\n\n".join(parts) + "\n"


def _gallery(artefacts):
    return "::::{container} gallery\n" + "\n".join(map(_tile, artefacts)) + "\n::::"


def _tile(artefact):
    picture = ""
    if artefact.card["kind"] == "figure":
        alt = artefact.card["alt"].replace("[", "(").replace("]", ")")
        picture = f"[![{alt}](thumbnails/{artefact.id}.jpg)]({artefact.id}.md)\n\n"
    label = f"[{artefact.id}]({artefact.id}.md)"
    words = artefact.title if artefact.title != artefact.id else ""
    kind = "Table. " if not picture else ""
    return f":::{{container}} tile\n{picture}{label}\n\n{kind}{words}\n:::"
