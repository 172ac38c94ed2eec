"""Looking things up by name: accelerators, models, places, prices; reading and checking their files."""
