"""Which account of this machine is at the other end of a connection to 127.0.0.1."""

import os
import socket

# One line for each connection of this machine: https://docs.kernel.org/networking/proc_net_tcp.html
TABLE = "/proc/net/tcp"
# The table is read in pieces, so a line may be missed while others come and go.
ATTEMPTS = 3


def is_own_account(connection: socket.socket) -> bool:
    """
    Return True if this process's account opened the other end of `connection`.

    Where the system has no such table, nobody can say, and the answer is True.
    """
    ends = (connection.getpeername(), connection.getsockname())
    wanted = [f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}" for host, port in ends]
    for _ in range(ATTEMPTS):
        try:
            with open(TABLE, encoding="ascii") as table:
                rows = [line.split() for line in table]
        except OSError:
            return True
        for row in rows:
            if row[1:3] == wanted:
                return row[7] == str(os.getuid())
    return False
