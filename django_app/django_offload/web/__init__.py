"""
The web function: HTTP requests of API Gateway and function URLs, answered by the project's WSGI application.

    event ────▶ requests ───▶ apig-wsgi ───▶ the project's
    response ◀─ responses ◀── apig-wsgi ◀─── application

apig-wsgi translates between events and WSGI. Around it, this package decides what is a request at all, which
of its facts the application may believe, and what Lambda can return. Nothing in an event is imported, called
or put into the environment.
"""
