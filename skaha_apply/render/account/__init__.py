"""The output of the commands about the server and the account: `doctor`, `ps`, `limits`."""
