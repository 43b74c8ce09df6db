"""What is done with a finished run: each file is one stage that writes more into its folder."""
