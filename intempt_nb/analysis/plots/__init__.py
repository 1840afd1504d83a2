"""Pictures of what the analysis gives, by matplotlib; each function draws on the axes it is given, or makes some."""
