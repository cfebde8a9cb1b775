"""What a field is: the catalogue, kinds of values, normal forms, placeholders."""
