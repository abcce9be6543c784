"""Time and work out: sends what is due, applies what came in, reads lists. All loops are here.

May import `todoke.actions`, `todoke.carriers` and what lies below. Never here: HTTP in, SQL, decisions.
Each loop has one `step()` that answers whether there was work; tests and the virtual clock call it directly.
"""
