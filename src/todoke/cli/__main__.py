"""`python -m todoke.cli`."""

from todoke.cli.entry import main

main()
