"""The Skaha server over HTTP: addresses, credentials, one retry policy, and the client that the stages see as `Server`.

Nothing here decides what to do; it tells clearly what was done, what was refused, and what nobody can know.
"""
