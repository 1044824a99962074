"""The Skaha server over HTTP: addresses, credentials, one retry policy, and the client, which implements `Server`.

This folder makes no decisions. It returns what was done, what was refused, and what is unconfirmed.
"""
