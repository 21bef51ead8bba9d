"""The user's Echo service on grpcio; the stubs are generated when the tests start."""

import threading

import echo_pb2
import echo_pb2_grpc
import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

WAIT_LIMIT_S = 15


class EchoService(echo_pb2_grpc.EchoServicer):
    def __init__(self) -> None:
        self._waits: dict[str, str] = {}

    def Say(self, request, context):
        received = dict(context.invocation_metadata())
        headers = [('x-app', 'py-grpc')]
        if 'x-raw-bin' in received:
            headers.append(('x-raw-bin', received['x-raw-bin']))
        # Large answers are compressed when the caller accepts it.
        context.set_compression(grpc.Compression.Gzip)
        context.send_initial_metadata(headers)
        context.set_trailing_metadata([('x-trailer', 'said')])
        seen = {k: v.hex() if isinstance(v, bytes) else v for k, v in received.items()}
        return echo_pb2.Text(text=request.text, metadata=seen)

    def Count(self, request, context):
        for number in range(request.count):
            yield echo_pb2.Text(text=str(number))

    def Join(self, request_iterator, context):
        return echo_pb2.Text(text='+'.join(item.text for item in request_iterator))

    def Chat(self, request_iterator, context):
        for item in request_iterator:
            yield echo_pb2.Text(text=item.text.upper())

    def Fail(self, request, context):
        detail = any_pb2.Any()
        detail.Pack(error_details_pb2.ErrorInfo(reason='QUOTA', domain='interop.example'))
        status = rpc_status.to_status(
            status_pb2.Status(
                code=grpc.StatusCode.RESOURCE_EXHAUSTED.value[0],
                message='no more: ü',
                details=[detail],
            )
        )
        trailers = (*status.trailing_metadata, ('x-reason', 'quota'))
        context.set_trailing_metadata(trailers)
        context.abort(status.code, status.details)

    def Wait(self, request, context):
        ended = threading.Event()
        self._waits[request.text] = 'waiting'
        if not context.add_callback(ended.set):
            ended.set()
        if ended.wait(WAIT_LIMIT_S):
            self._waits[request.text] = 'cancelled'
        return echo_pb2.Text()

    def Waited(self, request, context):
        return echo_pb2.Text(text=self._waits.get(request.text, 'unknown'))
