"""All rules, in the order in which they are documented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rules import (
    arg_empty,
    arg_space,
    clear_secret,
    cmd_space,
    control_character,
    empty_matrix,
    env_name,
    env_reserved,
    env_value,
    excess_replicas,
    gpus_zero,
    half_fixed,
    headless_cmd,
    headless_only,
    idle_cap,
    ignored_key,
    ignored_resources,
    image_floating,
    image_name,
    image_tag,
    image_unlisted,
    interactive_limit,
    name_collision,
    needs_cycle,
    needs_unknown,
    no_retries,
    project_case,
    replica_count,
    request_size,
    resources_below_one,
    server_escape,
    session_name,
    single_kind,
    stock_options,
    timeout_beyond,
    unused_ignore,
    yaml_word,
)

if TYPE_CHECKING:
    from skaha_apply.lint.rule import Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            module.RULE
            for module in (
                arg_empty,
                arg_space,
                clear_secret,
                cmd_space,
                control_character,
                empty_matrix,
                env_name,
                env_reserved,
                env_value,
                excess_replicas,
                gpus_zero,
                half_fixed,
                headless_cmd,
                headless_only,
                idle_cap,
                ignored_key,
                ignored_resources,
                image_floating,
                image_name,
                image_tag,
                image_unlisted,
                interactive_limit,
                name_collision,
                needs_cycle,
                needs_unknown,
                no_retries,
                project_case,
                replica_count,
                request_size,
                resources_below_one,
                server_escape,
                session_name,
                single_kind,
                stock_options,
                timeout_beyond,
                unused_ignore,
                yaml_word,
            )
        ),
        key=lambda rule: rule.id,
    ),
)
