"""What was predicted of images: stored by partition, scored, and taken back when the weights change."""
