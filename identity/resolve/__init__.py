"""Who is one person: claims, components, and a steward's word on them."""
