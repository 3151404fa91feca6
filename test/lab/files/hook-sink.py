"""Webhook sink: appends every request to argv[1] as one JSON line; port 9000.

A path may ask for trouble: /status/500/... answers 500, /sleep/5/... answers after 5 seconds.
"""
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode("utf8", "replace")
        record = {
            "atMs": int(time.time() * 1000),
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body,
        }
        with open(sys.argv[1], "a") as log:
            log.write(json.dumps(record) + "\n")
        parts = self.path.split("/")
        if parts[1:2] == ["sleep"]:
            time.sleep(float(parts[2]))
        self.send_response(int(parts[2]) if parts[1:2] == ["status"] else 200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("", 9000), Sink).serve_forever()
