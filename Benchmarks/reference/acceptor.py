"""Takes 100 connections a second at a Unix socket and closes them, as a server does whose policy allows
no more: what a neighbour feels of a peer that connects and hangs up, whoever serves it."""

import socket
import sys
import time

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(128)
while True:
    listener.accept()[0].close()
    time.sleep(0.01)
