"""What somebody may send who means harm, by the door at which it arrives. Nothing of it may be obeyed."""
