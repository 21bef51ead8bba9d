package http

# What each path of the tests is answered. The bundles beside this file are made by
#   opa build -t wasm -e http/allow -o gate.tar.gz gate.rego data.json
#   opa build -t wasm -e http/allow -o silent.tar.gz silent.rego
#   opa build -t wasm -e other/allow -o other.tar.gz other.rego
# with OPA 1.10.0.

default allow := false

allow if {
	input.request.path == "/open"
}

allow if {
	input.request.method == "PUT"
	input.request.path_parts == ["orders", "ä b"]
	input.request.raw_query == "tag=a&tag=b%20c&empty"
	input.request.query == {"tag": ["a", "b c"], "empty": [""]}
	input.request.headers == {"X-Role": "one, two"}
	input.request.scheme == ""
	json.unmarshal(input.request.body).amount < data.limits.amount
}

allow := {"allow": true, "additional_headers": {"x-user": "ann", "X-Role": "checked"}} if {
	input.request.path == "/stamp"
}

allow := {"allow": false, "status_code": 301, "additional_headers": {"location": "https://example.com/login"}} if {
	input.request.path == "/login"
}

allow := {"allow": false} if input.request.path == "/plain"

allow := "yes" if input.request.path == "/text"

allow := {"allow": true, "status_code": "301"} if input.request.path == "/bad-status"

allow := {"allow": "yes"} if input.request.path == "/bad-allow"

allow := {"allow": true, "additional_headers": {"x-user": 7}} if input.request.path == "/bad-header"

allow := {"allow": false, "status_code": 999} if input.request.path == "/odd-status"

allow := {"allow": true, "additional_headers": {"x-user": "a\r\nx-admin: yes"}} if {
	input.request.path == "/split"
}

# The SDK in JavaScript has no such function: the evaluation fails.
allow if {
	input.request.path == "/missing-function"
	crypto.md5("a") == "0cc175b9c0f1b6a831c399e269772661"
}
