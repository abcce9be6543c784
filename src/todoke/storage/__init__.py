"""What Todoke remembers, and the only SQL: tables, migrations, one file a table group.

May import `todoke.core` and SQLAlchemy. `sqlite.py` is the only file that knows which database it is.
Never here: decisions. A function here reads or writes rows; what they mean is `core`'s and `actions`'.
"""

from todoke.storage.async_only import leave_out_sessions

leave_out_sessions()
