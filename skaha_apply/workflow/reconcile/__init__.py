"""`apply`: passes, approval, wait, report."""
