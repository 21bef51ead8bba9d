"""The calling app: sends orders through its own sidecar. Standard library only.

DAPR_HTTP_PORT is the sidecar's port, ORDER_APP_ID the app to call, ORDERS how many orders to send.
"""

import http.client
import json
import os
import sys
import time

target = os.environ["ORDER_APP_ID"]
sidecar = http.client.HTTPConnection("127.0.0.1", int(os.environ["DAPR_HTTP_PORT"]), timeout=10)
failed = 0

for order_id in range(1, int(os.environ["ORDERS"]) + 1):
    started = time.perf_counter()
    try:
        sidecar.request(
            "POST",
            "/neworder",
            json.dumps({"orderId": order_id}),
            {"content-type": "application/json", "dapr-app-id": target},
        )
        answer = sidecar.getresponse()
        text = answer.read().decode()
        status = answer.status
    except OSError as reason:
        sidecar.close()
        status, text = 0, str(reason)
    elapsed = (time.perf_counter() - started) * 1000
    failed += status != 200
    print(f"sent order {order_id}: {status} in {elapsed:.1f} ms: {text}", flush=True)

sys.exit(1 if failed else 0)
