"""``python -m footprint``, and the command ``footprint``."""

import gc

# Few programs of ours live long enough to leave garbage in cycles; looking for it after every
# 700 objects takes a tenth of the start. Those that do live longer still have it looked for.
gc.set_threshold(100_000)

from footprint.cli import main  # noqa: E402 - after the line above, which is for this import too

if __name__ == "__main__":
    main()
