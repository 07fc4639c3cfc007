"""The project's own dialogue: written as data, spoken by two free voices, rendered to one file with its truth."""
