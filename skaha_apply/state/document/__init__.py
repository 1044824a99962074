"""The parts of the text of a state document: its digest, its specs as differences, and what holds between its parts."""
