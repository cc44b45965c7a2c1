"""A site with every app of Django's that most projects have, started in processes of their own."""
