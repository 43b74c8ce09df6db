"""What every run, picture and panel has to say of itself."""

RESEARCH_USE = "For research use only: this is not a medical device."
