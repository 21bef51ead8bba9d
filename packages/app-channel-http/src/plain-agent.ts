import { Agent, type ClientRequestArgs } from "node:http";
import { connect, type Socket, type TcpNetConnectOpts } from "node:net";

/** All sockets read into this: node:http has copied what it needs when the `data` event is over. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1_024);

/**
 * An agent whose sockets allocate nothing to read. Node gives each read 64 KiB of its own, which live
 * until the next garbage collection, however few bytes arrived.
 */
export class PlainAgent extends Agent {
  override createConnection(options: ClientRequestArgs): Socket {
    const socket: Socket = connect({
      ...(options as TcpNetConnectOpts),
      onread: {
        buffer: readBuffer,
        callback: (length: number) => {
          socket.emit("data", readBuffer.subarray(0, length));
          return true;
        },
      },
    });
    return socket;
  }
}
