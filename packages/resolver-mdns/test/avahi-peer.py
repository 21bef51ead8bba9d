"""A client of avahi-daemon, through Avahi's own library: publishes an app in the form of Dapr's
records (PTR <app>.local, SRV, TXT) or reports what it browses, one event a line.

    avahi-peer.py publish <app> <instance label> <host name> <port>
    avahi-peer.py browse <app>
"""
import ctypes
import sys

common = ctypes.CDLL("libavahi-common.so.3")
client_library = ctypes.CDLL("libavahi-client.so.3")
any_interface, any_protocol = -1, -1
class_in, type_ptr, type_txt, type_srv = 1, 12, 16, 33
unique = 1

Pointer, Int, Short, Text = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint16, ctypes.c_char_p
ClientCallback = ctypes.CFUNCTYPE(None, Pointer, Int, Pointer)
GroupCallback = ctypes.CFUNCTYPE(None, Pointer, Int, Pointer)
BrowserCallback = ctypes.CFUNCTYPE(
    None, Pointer, Int, Int, Int, Text, Short, Short, Pointer, ctypes.c_size_t, Int, Pointer
)
common.avahi_simple_poll_new.restype = Pointer
common.avahi_simple_poll_get.restype = Pointer
common.avahi_simple_poll_get.argtypes = [Pointer]
common.avahi_simple_poll_loop.argtypes = [Pointer]
client_library.avahi_client_new.restype = Pointer
client_library.avahi_client_new.argtypes = [Pointer, Int, ClientCallback, Pointer, Pointer]
client_library.avahi_entry_group_new.restype = Pointer
client_library.avahi_entry_group_new.argtypes = [Pointer, GroupCallback, Pointer]
client_library.avahi_entry_group_add_record.argtypes = [
    Pointer, Int, Int, Int, Text, Short, Short, ctypes.c_uint32, Text, ctypes.c_size_t
]
client_library.avahi_entry_group_commit.argtypes = [Pointer]
client_library.avahi_record_browser_new.restype = Pointer
client_library.avahi_record_browser_new.argtypes = [
    Pointer, Int, Int, Text, Short, Short, Int, BrowserCallback, Pointer
]


def say(*words):
    print(*words, flush=True)


def encoded(name):
    labels = [label.encode() for label in name.split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def decoded(data):
    labels = []
    while data and data[0]:
        labels.append(data[1 : data[0] + 1].decode())
        data = data[data[0] + 1 :]
    return ".".join(labels)


def on_group(_group, state, _data):
    say({1: "registering", 2: "established", 3: "collision", 4: "failed"}.get(state, "uncommitted"))


def on_record(_browser, _interface, _protocol, event, _name, _class, _type, data, size, _flags, _own):
    if event in (0, 1):
        say("new" if event == 0 else "removed", decoded(ctypes.string_at(data, size)))


def publish(client, app, label, host, port):
    service, instance = f"{app}.local", f"{label}.{app}.local"
    srv = bytes(4) + int(port).to_bytes(2, "big") + encoded(host)
    txt = bytes([len(app)]) + app.encode()
    records = [(service, type_ptr, encoded(instance), 0), (instance, type_srv, srv, unique),
               (instance, type_txt, txt, unique)]
    group = client_library.avahi_entry_group_new(client, group_callback, None)
    for name, kind, data, flags in records:
        failed = client_library.avahi_entry_group_add_record(
            group, any_interface, any_protocol, flags, name.encode(), class_in, kind, 3200, data, len(data))
        if failed:
            sys.exit(f"record of {name}: error {failed}")
    client_library.avahi_entry_group_commit(group)


def browse(client, app):
    client_library.avahi_record_browser_new(
        client, any_interface, any_protocol, f"{app}.local".encode(), class_in, type_ptr, 0,
        record_callback, None)
    say("browsing")


group_callback, record_callback = GroupCallback(on_group), BrowserCallback(on_record)
client_callback = ClientCallback(lambda *_: None)
poll = common.avahi_simple_poll_new()
error = ctypes.c_int()
client = client_library.avahi_client_new(
    common.avahi_simple_poll_get(poll), 0, client_callback, None, ctypes.byref(error))
if not client:
    sys.exit(f"no avahi-daemon: error {error.value}")
(publish if sys.argv[1] == "publish" else browse)(client, *sys.argv[2:])
common.avahi_simple_poll_loop(poll)
