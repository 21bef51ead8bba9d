import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** Response codes of RFC 1035 section 4.1.1. */
export const servfail = 2;

/** A name server that answers every question with a response code and no record, or with rubbish. */
export class FaultyServer {
  readonly #socket: Socket;
  readonly address: string;
  questions = 0;

  private constructor(socket: Socket, answer: number | "rubbish") {
    this.#socket = socket;
    this.address = `127.0.0.1:${socket.address().port}`;
    socket.on("message", (question, { port, address }) => {
      this.questions += 1;
      const reply = Buffer.from(question);
      if (answer === "rubbish") reply.fill(0xff, 2);
      // Response, recursion desired and available, and the code.
      else reply.writeUInt16BE(0x8180 | answer, 2);
      socket.send(reply, port, address);
    });
  }

  static async start(answer: number | "rubbish"): Promise<FaultyServer> {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new FaultyServer(socket, answer);
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}
