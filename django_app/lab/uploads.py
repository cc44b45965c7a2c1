"""How large an upload may be, held while it arrives."""

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile

LIMIT = 10 * 1024 * 1024


class LimitedUploadHandler(FileUploadHandler):
    """
    Drop what is over the limit, all files of a request counted, without keeping it in memory or on disk.

    The rest is read and thrown away, since browsers show no answer before they have sent all;
    `request.upload_too_large` tells the view.
    """

    chunk_size = 64 * 1024

    received = 0  # Of the whole request.

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received += len(raw_data)
        if self.received > LIMIT:
            self.request.upload_too_large = True
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile | None:
        return None
