"""Limit the size of an upload while it arrives."""

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile

LIMIT = 10 * 1024 * 1024


class LimitedUploadHandler(FileUploadHandler):
    """
    Discard everything over the limit, which counts all files of a request together.

    The rest of the request is read and thrown away, because browsers show no response before they have sent
    everything. `request.upload_too_large` is then True.
    """

    chunk_size = 64 * 1024

    received = 0  # Bytes of the whole request.

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received += len(raw_data)
        if self.received > LIMIT:
            self.request.upload_too_large = True
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile | None:
        return None
