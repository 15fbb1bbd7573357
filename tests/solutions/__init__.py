"""Reference solutions, others in another style, and the catalogued mistakes: never for pages."""
