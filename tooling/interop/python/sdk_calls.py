"""Calls through Dapr's Python SDK; prints what came back, as one JSON object.

The protocol is the SDK's choice: DAPR_API_METHOD_INVOCATION_PROTOCOL.
"""

import json
import sys
import warnings
from typing import Any, Callable

from dapr.clients import DaprClient
from dapr.clients.exceptions import DaprHttpError
from dapr.clients.health import DaprHealth
from google.protobuf.wrappers_pb2 import StringValue
from grpc import RpcError

warnings.simplefilter('ignore', DeprecationWarning)


def outcome(call: Callable[[], Any]) -> dict[str, Any]:
    try:
        answer = call()
    except DaprHttpError as error:
        return {'status': error.status_code, 'code': error.error_code, 'message': error.message}
    except RpcError as error:
        return {'code': error.code().name, 'message': error.details()}
    # The SDK gives each header a list of values.
    headers = {k.lower(): ', '.join(map(str, v)) for k, v in dict(answer.headers).items()}
    return {
        'status': answer.status_code,
        'contentType': answer.content_type,
        'headers': headers,
        'hex': answer.data.hex(),
        'text': answer.data.decode('utf-8', 'replace'),
    }


def calls(client: DaprClient) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for app_id in ('node-http', 'py-http', 'js-http', 'js-grpc', 'py-grpc'):
        results[f'{app_id} text'] = outcome(
            lambda: client.invoke_method(
                app_id,
                'echo',
                'hello',
                content_type='text/plain',
                http_verb='POST',
                http_querystring=(('a', '1'), ('b', 'two words')),
                metadata=(('x-correlation-id', 'c-1'),),
            )
        )
        results[f'{app_id} json'] = outcome(
            lambda: client.invoke_method(
                app_id, 'echo', json.dumps({'n': 1}), http_verb='PUT'
            )
        )
    for verb in ('GET', 'POST', 'PUT', 'PATCH', 'DELETE'):
        results[f'verb {verb}'] = outcome(
            lambda: client.invoke_method('node-http', 'echo', b'', http_verb=verb)
        )
    results['bytes'] = outcome(
        lambda: client.invoke_method(
            'py-grpc', 'bytes', bytes(range(256)), 'application/octet-stream', http_verb='POST'
        )
    )
    for code in (400, 404, 409, 503):
        results[f'status {code}'] = outcome(
            lambda: client.invoke_method(
                'node-http',
                'status',
                b'',
                http_verb='GET',
                http_querystring=(('code', str(code)),),
            )
        )
    results['no such app'] = outcome(
        lambda: client.invoke_method('nobody', 'echo', b'', http_verb='GET')
    )
    results['no such method'] = outcome(
        lambda: client.invoke_method('py-grpc', 'nothing', b'x', http_verb='POST')
    )
    results['app fails'] = outcome(
        lambda: client.invoke_method('py-grpc', 'fail', b'x', http_verb='POST')
    )
    return results


def runtime(client: DaprClient) -> dict[str, Any]:
    DaprHealth.wait_for_sidecar()
    client.wait(5)
    client.set_metadata('interop-python', 'set')
    metadata = client.get_metadata()
    return {'id': metadata.application_id, 'extended': metadata.extended_metadata}


def message(client: DaprClient) -> str:
    """A protobuf message keeps its type on the way to an @app.method and back."""
    answer = client.invoke_method('py-grpc', 'message', StringValue(value='one'))
    value = StringValue()
    answer.unpack(value)
    return value.value


with DaprClient() as client:
    if sys.argv[1:] == ['shutdown']:
        client.shutdown()
        result: dict[str, Any] = {}
    else:
        result = {'calls': calls(client), 'runtime': runtime(client)}
        if client.invocation_client is None:
            result['message'] = message(client)
print(json.dumps(result))
