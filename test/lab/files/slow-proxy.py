#!/usr/bin/env python3
"""slow-proxy.py LISTEN TARGET BYTES_PER_SECOND: passes TCP on to a local port, slowly what comes back.

While the file /run/slow-proxy.stalled is there, nothing comes back.
"""
import os
import socket
import sys
import threading
import time

listen, target, rate = (int(word) for word in sys.argv[1:])
CHUNK = 32768
STALLED = "/run/slow-proxy.stalled"


def pump(source, sink, bytes_per_second):
    while data := source.recv(CHUNK):
        while bytes_per_second and os.path.exists(STALLED):
            time.sleep(0.05)
        sink.sendall(data)
        if bytes_per_second:
            time.sleep(len(data) / bytes_per_second)
    sink.shutdown(socket.SHUT_WR)


server = socket.create_server(("127.0.0.1", listen))
while True:
    client, _ = server.accept()
    upstream = socket.create_connection(("127.0.0.1", target))
    threading.Thread(target=pump, args=(client, upstream, 0), daemon=True).start()
    threading.Thread(target=pump, args=(upstream, client, rate), daemon=True).start()
