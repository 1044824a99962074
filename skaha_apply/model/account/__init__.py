"""Values about the server and the account, which are not about one project."""
