"""``python -m nbsupport`` is the command ``nbsupport``."""

from nbsupport.study.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
