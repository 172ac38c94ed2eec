"""Programs that fit what is shipped: they read the package and write its data, and are in no wheel."""
