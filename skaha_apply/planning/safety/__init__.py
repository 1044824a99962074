"""The losses of a plan, the rules that refuse a plan, and the content of an approval."""
