"""People and programs talking to pipelines."""
