"""Calls the user's service with its own grpcio stubs; prints what came back, as JSON.

usage: stub_calls.py <host:port of the sidecar's gRPC API> <app id>
"""

import json
import sys
import threading
import time
import uuid
from typing import Any

import echo_pb2
import echo_pb2_grpc
import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

LIMIT_S = 10
target, app_id = sys.argv[1:]
to_app = (('dapr-app-id', app_id),)


def texts(*values: str):
    return (echo_pb2.Text(text=value) for value in values)


def say(stub, compression=None) -> dict[str, Any]:
    text = 'compress me ' * 1000 if compression else 'hello'
    answer, call = stub.Say.with_call(
        echo_pb2.Text(text=text),
        metadata=(*to_app, ('x-user', 'ann'), ('x-raw-bin', b'\x00\x01\xfe\xff')),
        timeout=LIMIT_S,
        compression=compression,
    )
    headers = {k: v.hex() if isinstance(v, bytes) else v for k, v in call.initial_metadata()}
    return {
        'same': answer.text == text,
        'seen': dict(answer.metadata),
        'headers': headers,
        'trailers': {k: str(v) for k, v in call.trailing_metadata()},
    }


def chat(stub) -> list[str]:
    """Sends each text only after the answer to the one before."""
    answers: list[str] = []
    turn = threading.Semaphore(1)

    def outgoing():
        for value in ('a', 'b', 'c'):
            if not turn.acquire(timeout=LIMIT_S):
                return
            yield echo_pb2.Text(text=value)

    for answer in stub.Chat(outgoing(), metadata=to_app, timeout=LIMIT_S):
        answers.append(answer.text)
        turn.release()
    return answers


def failure(stub) -> dict[str, Any]:
    try:
        stub.Fail(echo_pb2.Text(), metadata=to_app, timeout=LIMIT_S)
    except grpc.RpcError as error:
        info = error_details_pb2.ErrorInfo()
        rpc_status.from_call(error).details[0].Unpack(info)
        return {
            'code': error.code().name,
            'message': error.details(),
            'reason': info.reason,
            'trailer': dict(error.trailing_metadata()).get('x-reason'),
        }
    return {}


def ended_wait(stub, how: str) -> dict[str, Any]:
    """A call that runs into its deadline, or is cancelled once the app has it."""
    name = str(uuid.uuid4())
    timeout = 0.5 if how == 'deadline' else LIMIT_S
    call = stub.Wait.future(echo_pb2.Text(text=name), metadata=to_app, timeout=timeout)
    if how == 'cancel':
        waited(stub, name, 'waiting')
        call.cancel()
    try:
        call.result(timeout=LIMIT_S)
        code = 'OK'
    except grpc.FutureCancelledError:
        code = 'CANCELLED'
    except grpc.RpcError as error:
        code = error.code().name
    return {'code': code, 'app': waited(stub, name, 'cancelled')}


def waited(stub, name: str, wanted: str) -> str:
    """Asks until the app says so; how it stood at the end of the limit otherwise."""
    ends_at = time.monotonic() + LIMIT_S
    while True:
        state = stub.Waited(echo_pb2.Text(text=name), metadata=to_app, timeout=LIMIT_S).text
        if state == wanted or time.monotonic() > ends_at:
            return state
        time.sleep(0.02)


with grpc.insecure_channel(target) as channel:
    stub = echo_pb2_grpc.EchoStub(channel)
    count = echo_pb2.CountRequest(count=50)
    print(
        json.dumps(
            {
                'unary': say(stub),
                'gzip': say(stub, grpc.Compression.Gzip),
                'deflate': say(stub, grpc.Compression.Deflate),
                'serverStream': [
                    item.text for item in stub.Count(count, metadata=to_app, timeout=LIMIT_S)
                ],
                'clientStream': stub.Join(
                    texts('a', 'b', 'c'), metadata=to_app, timeout=LIMIT_S
                ).text,
                'bidi': chat(stub),
                'error': failure(stub),
                'deadline': ended_wait(stub, 'deadline'),
                'cancel': ended_wait(stub, 'cancel'),
            }
        )
    )
