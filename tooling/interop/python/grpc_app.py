"""An app of dapr-ext-grpc: methods for service invocation, and a gRPC service of its own."""

import json
import os
import threading

from dapr.clients import DaprClient
from dapr.ext.grpc import App, InvokeMethodRequest, InvokeMethodResponse
from google.protobuf.wrappers_pb2 import StringValue
from grpc import channel_ready_future, insecure_channel

import echo_pb2_grpc
from echo_service import EchoService

app = App()
app.add_external_service(echo_pb2_grpc.add_EchoServicer_to_server, EchoService())
app.register_health_check(lambda: None)
port = os.environ['APP_PORT']


@app.method('echo')
def echo(request: InvokeMethodRequest) -> InvokeMethodResponse:
    received = request.metadata  # each key has a list of values
    answer = {
        'body': request.text(),
        'contentType': request.content_type,
        'correlation': received.get('x-correlation-id'),
        'caller': received.get('dapr-caller-app-id'),
    }
    return InvokeMethodResponse(
        json.dumps(answer), 'application/json', headers=(('x-app', 'py-grpc'),)
    )


@app.method('bytes')
def raw(request: InvokeMethodRequest) -> InvokeMethodResponse:
    return InvokeMethodResponse(request.data, 'application/octet-stream')


@app.method('message')
def message(request: InvokeMethodRequest) -> StringValue:
    """A protobuf message in, a protobuf message out."""
    value = StringValue()
    request.unpack(value)
    return StringValue(value=f'got {value.value}')


@app.method('relay')
def relay(request: InvokeMethodRequest) -> str:
    order = json.loads(request.data)
    with DaprClient() as client:
        answer = client.invoke_method(
            order['appId'],
            order['method'],
            order['data'],
            content_type='text/plain',
            http_verb='POST',
        )
        return json.dumps({'by': 'py-grpc', 'got': answer.text()})


@app.method('fail')
def fail(request: InvokeMethodRequest) -> None:
    raise RuntimeError('the handler fails on purpose')


def announce() -> None:
    with insecure_channel(f'127.0.0.1:{port}') as channel:
        channel_ready_future(channel).result(timeout=15)
    print('ready', flush=True)


threading.Thread(target=announce, daemon=True).start()
app.run(int(port), '127.0.0.1')
