"""A state store that speaks the http backend protocol of Terraform."""
