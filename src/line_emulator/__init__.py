"""LINE's side of LINE notification messages, emulated on one port for development, demonstration and
load tests.

What lives here: the paths of api.line.me (`bot_api`), the control API (`control`), the pure model
(`world`), the clock. It may import third-party libraries and `line_catalogue` (data). Nothing of
`todoke` or `todoke_client` ever comes here.
"""
