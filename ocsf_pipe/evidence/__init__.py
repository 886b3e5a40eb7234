"""What the lake can show of AI systems: which detections see enough, and which duties have what evidence."""
