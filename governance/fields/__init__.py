"""What a field is: the catalogue, kinds of values, normal forms, placeholders.

- `catalogue.py`: which fields are known, and of what class; `kinds.py`: what one may hold.
- `structured.py`, `special.py`: whether a value carries a number or a secret, or says what GDPR 9 protects.
- `normalise.py`: one value for one identifier; `lookalikes.py`: letters that look like others;
  `placeholders.py`: values that stand for nobody.
"""
