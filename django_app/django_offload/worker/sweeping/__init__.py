"""
What the sweeper does with the due records of one stack. Its modules, in the order of the work:

    due_pages   read the index, a page of each band in turn, as fast as the index allows (pace)
    decision    decide on each record: postpone it, end it, or send it again
    sweeper     read a page of records together, write the decisions together, send ten messages together
"""

from .sweeper import Sweeper

__all__ = ["Sweeper"]
