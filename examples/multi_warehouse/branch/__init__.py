"""Where pieces go to."""
