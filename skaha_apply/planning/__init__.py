"""The core: what should exist, what changed, what follows. Pure functions; time and the world come as arguments.

What should exist: `expand`, `digest`, `reruns`. What happened: `observe`, with `absence`, `burial` and `book`. What
follows: `planner`, from `rows` (`attempts`, `aging`, `diff`) by `gates` (`families`, `needs`, `stops`, `caps`,
`places`) and `removal` to `safety` (`following`, `recutting`) and `approval` (`staleness`). By themselves: `shares`.
"""
