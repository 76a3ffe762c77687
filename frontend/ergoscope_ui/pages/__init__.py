"""A page a module: `place` lays it out without asking anyone, `register` says what fills it.

Callbacks are coroutines that read the address, ask the service and draw. They keep no state, so any worker may run
them, and they never wait on the event loop that the service shares with the page.
"""
