# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The scoreboard
#
# Which claims of the five sources hold? Every notebook of this study measures some of them, each by a rule that was written
# before its measurement. This one measures nothing: it reads what the others have published at one size, counts it, and shows
# every claim, every figure and every gap. It takes seconds, and it is only as complete as the runs before it: what no run has
# measured is counted as *missing*.

# %% tags=["parameters"]
reads: str = "class"  # size whose results are shown: "smoke", "class", "desk" or "paper"

# %%
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, Markdown, display

from nbsupport import study
from nbsupport.checks import nearest
from nbsupport.study import layout, scoreboard
from nbsupport.study.claims import NO_INTERVAL
from nbsupport.study.verdict import MISSING, NOT_TESTABLE

study.begin("90_scoreboard", globals())
if reads not in layout.SIZES:
    raise ValueError(f"reads={reads!r} is no size{nearest(reads, layout.SIZES)}; give one of {', '.join(layout.SIZES)}")

# %% [markdown]
# ## How many claims hold
#
# **What we do.** A claim is *reproduced*, *partly* reproduced or *not reproduced* by its own rule, *not testable
# here* when the data or the size at hand cannot decide it (it gives the reason), and *missing* when no run of this
# size has recorded it. A verdict at a small size is a rehearsal: the sizes differ in the number of images, networks
# and training steps, and the reference is the desk size.

# %%
counts = scoreboard.counts(reads)
shares = counts / counts.sum("verdict")
figure, axis = plt.subplots(figsize=(7.4, 2.9))
start = np.zeros(counts.sizes["source"])
for verdict, colour, hatch in zip(
    counts.verdict.values, ("#009E73", "#56B4E9", "#D55E00", "#999999", "#FFFFFF"), ("", "", "", "///", ""), strict=True
):
    share = shares.sel(verdict=verdict).values
    axis.barh(counts.source.values, share, left=start, color=colour, hatch=hatch, edgecolor="black", label=verdict)
    for row, (left, width) in enumerate(zip(start, share, strict=True)):
        if width > 0.03:
            number = int(counts.sel(verdict=verdict)[row])
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1} if hatch else None
            axis.text(left + width / 2, row, number, ha="center", va="center", bbox=box)
    start = start + share
axis.invert_yaxis()
axis.set(xlim=(0, 1), xlabel="share of the claims of a source; numbers: claims")
axis.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1), columnspacing=1)
study.publish_figure(
    "scoreboard",
    figure,
    alt="Horizontal bars, one for each of the five sources, divided by verdict: reproduced, partly, not reproduced, not "
    "testable here, missing. Each part carries its number of claims.",
    caption=f"Verdicts on the claims of the five sources, results of size {reads}.",
    data={
        "source": counts.source.values,
        **{verdict: counts.sel(verdict=verdict).values for verdict in counts.verdict.values},
    },
)

# %%
total = {verdict.replace(" ", "_"): int(counts.sel(verdict=verdict).sum()) for verdict in counts.verdict.values}
summary = study.keep("scoreboard_counts", claims=int(counts.sum()), **total)
study.say(
    "Of {claims} claims **{reproduced} are reproduced**, {partly} partly, **{not_reproduced} not**; {not_testable_here} "
    "cannot be tested here and {missing} have not been measured at this size.",
    summary,
)

# %% [markdown]
# **What this shows.** How far each source carries when its statements are made precise and measured.
#
# **What it does not.** A share of claims is no grade of a source: one claim can be its heart and another an aside, and a rule
# made by somebody else could be kinder or harsher. Read the claims, not the bar.

# %% [markdown]
# ## Every claim
#
# The columns *published* and *measured* stand side by side; *reason* is the rule that decided, or why the claim
# could not be judged. Choose a source or a verdict above the table. The same table is published as `claims.csv`.

# %%
claims = scoreboard.claims_table(reads)
shown = ("claim", "source", "statement", "published", "measured", "n", "interval", "verdict", "reason", "stand-in")
study.publish_table(
    "claims",
    claims,
    caption=f"Every claim of the five sources with its verdict, results of size {reads}.",
    view=scoreboard.filterable({key: claims[key] for key in shown}, by=("source", "verdict"), label="Every claim"),
)

# %%
judged = [said for measured, said in zip(claims["measured"], claims["interval"], strict=True) if measured]
explained = sum(said.startswith(NO_INTERVAL) for said in judged)
study.say(
    "Of {measured} measured claims **{given}** come with an interval, of all or of some of their numbers; of {explained} more "
    "the column *interval* says why they have none.",
    study.keep(
        "scoreboard_intervals",
        measured=len(judged),
        given=sum(map(bool, judged)) - explained,
        explained=explained,
    ),
)

# %% [markdown]
# ## What cannot be tested here
#
# Each gives its reason.

# %%
untested = [row for row in zip(*claims.values(), strict=True) if row[list(claims).index("verdict")] == NOT_TESTABLE]
columns = ("claim", "reason")
study.publish_table(
    "scoreboard-not-testable",
    {key: [row[list(claims).index(key)] for row in untested] or ["none"] for key in columns},
    caption=f"Claims that the data or the size at hand cannot decide, results of size {reads}.",
)

# %% [markdown]
# ## Every figure, table and diagram
#
# A thumbnail of each artefact of the sources as this study has made it, with the notebook that makes it.

# %%
artefacts = scoreboard.artefacts_table(reads)
absent = scoreboard.missing_artefacts(reads)
display(HTML(scoreboard.gallery(reads)))
Markdown(
    f"{len(artefacts['artefact']) - len(absent)} of {len(artefacts['artefact'])} artefacts are there."
    + (f" Missing: {', '.join(f'`{name}`' for name in absent)}." if absent else "")
)

# %% [markdown]
# **What this shows.** Nothing that a source shows is left out silently.
#
# **What it does not.** That a figure is there does not mean that it agrees with the source's. What it shows is said where it is
# made.

# %% [markdown]
# ## Exercises
#
# 1. Which source has the largest share of claims that cannot be tested here? Count them from the table.
# 2. Suppose a claim is missing at this size, yet has a verdict at another. How can that be, and which verdict counts?

# %% tags=["solution"]
share = counts.sel(verdict=NOT_TESTABLE) / counts.sum("verdict")
print(f"{share.source.values[np.argmax(share.values)]}: {float(share.max()):.0%} of its claims cannot be tested here")

# %% tags=["solution"]
print(f"Claims missing at size {reads}: {int(counts.sel(verdict=MISSING).sum())}.")
print("One is missing if its notebook has not run at that size, or stopped before it.")
print("The verdict that counts is that of the desk size, which has the most data behind it.")

# %% [markdown]
# ## Provenance

# %%
study.end()
