"""What `reelwright --help` says beneath its commands. Text only."""

EPILOG = """\
examples:
  reelwright render story.csv --pictures photos -o film.mp4
  reelwright generate "slow zoom in" --input-image beach.jpg -o beach.mp4
  reelwright last-frame beach.mp4 -o last.png
  reelwright combine one.mp4 two.mp4 --transition crossfade -o both.mp4

Made parts are kept: a second run makes only what changed. `reelwright doctor` shows the settings.
"""
