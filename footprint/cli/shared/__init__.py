"""What several commands share: types of options, the options of a scenario, formats, catalogues."""
