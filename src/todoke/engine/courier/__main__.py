"""The courier's process. Started by the gateway, never by hand."""

from todoke.engine.courier.desk import main

main()
