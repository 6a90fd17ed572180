import os

# At the sizes of one window or emitter NumPy's own threads cost more than they give; the plain loops get their best.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from .run import main  # noqa: E402

main()
