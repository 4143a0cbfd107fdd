"""What files in docroots hold, whatever their names say."""
