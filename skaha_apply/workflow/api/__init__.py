"""The Python API: connect, load or define a project, then plan, apply, wait, and read what happened.

    with skaha_apply.connect_sync() as skaha:
        project = skaha_apply.load("manifests/fits-processing.yaml")
        report = skaha.apply(project, wait="complete")

`connect` is for code with `await`, `connect_sync` for code without. There is one implementation: `Skaha`.
"""
