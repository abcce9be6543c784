"""`python -m todoke.cli`."""

from todoke.cli.main import main

main()
