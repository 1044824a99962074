"""The core: which sessions should exist, what changed, and which actions follow.

It has pure functions only: time and observations are arguments. `replicas` expands specs, `digest` and `diff` compare
them. `tracking` updates the state to an observation. `planner` joins `decisions`, `scheduling` and `safety` to a plan.
`summary` counts; `summary.share_preview` stands alone.
"""
