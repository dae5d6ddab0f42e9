"""Which pixels show the object."""
