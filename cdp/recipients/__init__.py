"""Who receives data, and their endpoints: what is registered, renewed and ended."""
