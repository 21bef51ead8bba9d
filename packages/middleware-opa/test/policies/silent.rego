package http

# Without a default: no result for other paths.

allow if input.request.path == "/open"
