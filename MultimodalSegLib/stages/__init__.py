"""What is done to a finished run, one file a stage: each reads the run folder and writes more into it."""
