"""The wire: where HTTP is recorded, replayed, timed and checked."""
