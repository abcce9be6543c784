"""`python -m line_emulator`: the same as the command `line-emulator`."""

from line_emulator.cli import main

if __name__ == "__main__":
    main()
