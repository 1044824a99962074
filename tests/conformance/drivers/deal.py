"""Run by the interpreter that has a published client: what its helper deals, of many lists over many replicas."""

import json
import sys
from importlib import import_module


def main(module, pairs):
    helper = import_module(module)
    return [
        {
            strategy: [
                list(getattr(helper, strategy)(list(range(items)), replica, replicas))
                for replica in range(1, replicas + 1)
            ]
            for strategy in ("chunk", "stripe")
        }
        for items, replicas in json.loads(pairs)
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])) + "\n")
