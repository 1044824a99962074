"""What a plan loses, which plans are refused, and what an approval covers."""
