"""The steps of the GitHub action: `python -m skaha_apply.cli.github`.

`action.yml` and the reusable workflow only install the package and run this module, so their shell text stays short.
All inputs come from environment variables. The process takes the place of the shell (`exec`), because the runner sends
its signals to the first process of a step only.
"""
