"""What runs exported models: built, started and asked alike, and compared with the trained model."""
