"""Register the board with the project's admin site."""

from django.contrib import admin

from .board.pages import Board
from .models import Task

admin.site.register(Task, Board)
