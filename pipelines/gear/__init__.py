"""What engines of every role need to run models on this machine."""
