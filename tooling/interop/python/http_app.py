"""A plain HTTP app on aiohttp. `relay` calls another app with Dapr's Python SDK."""

import asyncio
import os

from aiohttp import web
from dapr.clients import DaprClient


async def echo(request: web.Request) -> web.Response:
    body = await request.text()
    answer = {
        'verb': request.method,
        'query': request.rel_url.raw_query_string,
        'headers': {name.lower(): value for name, value in request.headers.items()},
        'body': body,
    }
    return web.json_response(answer, headers={'x-app': 'py-http'})


async def relay(request: web.Request) -> web.Response:
    order = await request.json()

    def call() -> str:
        with DaprClient() as client:
            answer = client.invoke_method(
                order['appId'],
                order['method'],
                order['data'],
                content_type='text/plain',
                http_verb='POST',
            )
            return answer.text()

    return web.json_response({'by': 'py-http', 'got': await asyncio.to_thread(call)})


async def status(request: web.Request) -> web.Response:
    return web.json_response({'reason': 'asked for'}, status=int(request.query['code']))


async def main() -> None:
    app = web.Application()
    app.router.add_route('*', '/echo', echo)
    app.router.add_route('POST', '/relay', relay)
    app.router.add_route('*', '/status', status)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, '127.0.0.1', int(os.environ['APP_PORT'])).start()
    print('ready', flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
