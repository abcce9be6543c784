"""Uploaded lists become normalised files: one form, whatever came, which `engine.intake.read_portion` reads.

May import actions, storage, core. Never here: HTTP, carriers.

The normalised file, `uploads/<batch id>.csv`:

- UTF-8 without a byte order mark, no NUL and no CR. No header: byte 0 begins the first row, and `batches.position`
  is 0 at the start and then always at the beginning of a record. `batches.header` holds the header's cells.
- A record for each row that holds anything, in the order of the upload; rows without any text are left out. Cells are
  separated by `,` and quoted with `"` where they hold `,`, `"` or LF (RFC 4180); a record ends with LF. A LF inside
  quotes belongs to its cell. A record has at most `MAX_RECORD` characters and a cell at most `MAX_CELL`.
- The first cell is no cell of the upload: the number of the line there at which the row begins, in digits (of a
  workbook: the sheet's row). So nobody has to count lines. The row's own cells follow; `core.columns.Columns` counts
  from the row's first own cell, so its positions are those in `record[1:]`. A row may be shorter or longer than the
  header; the first line of an upload is 1.
- Where the first cell is a negative number, such as `-12`, the row of line 12 is refused already: the second cell is
  the reason, the row's own cells follow from the third. It counts as a row like any other.
- `batches.line` is 0 for such a file. (An earlier version's files had no line numbers, and their batches count lines
  from 1.)

The file is complete and durable before its batch comes into the state `reading`: whoever reads it needs no care for
half-written ends. It is dropped when it is read to its end.
"""

MAX_CELL = 100_000
"""Characters of one cell."""
MAX_RECORD = 1_000_000
"""Characters of one record, all its cells together."""
