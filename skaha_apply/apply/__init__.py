"""Carries out a plan: no session is lost and none is created twice.

It uses the ports of the model, no HTTP and no files.
"""
