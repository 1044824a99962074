"""What people and machines get to read: pure functions from values of the model to text and pictures.

Only `progress` and `board` remember something: what they have told, or drawn, before.
"""
