"""Words of other tools (Terraform, kubectl, Docker, make, Slurm), each with the command or option to use instead."""
