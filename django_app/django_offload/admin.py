"""The board, in the admin of a project that has one."""

from django.contrib import admin

from .board.pages import Board
from .models import Task

admin.site.register(Task, Board)
