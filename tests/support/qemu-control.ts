/** QEMU's control protocol (QMP): one JSON object a line, answered in order. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

interface Answer {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
  readonly QMP?: unknown;
}

/** QEMU makes its socket within milliseconds of its start; on a busy host within a minute. */
const CONNECT_TRIES_MAX = 1200;
const CONNECT_PAUSE_MS = 50;

export class ControlConnection {
  private readonly socket: Socket;
  private readonly pending: {
    resolve: (value: unknown) => void;
    reject: (error: Error) => void;
  }[] = [];
  private received = "";

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("utf8").on("data", (text: string) => this.receive(text));
    const end = (): void =>
      this.pending.splice(0).forEach((request) => request.reject(new Error("QEMU ended")));
    socket.on("close", end).on("error", end);
  }

  /** Connects to the socket at `path` as soon as it is there. */
  static async open(path: string): Promise<ControlConnection> {
    const connection = new ControlConnection(await connectPatiently(path));
    await connection.execute("qmp_capabilities", {});
    return connection;
  }

  execute(command: string, parameters: Readonly<Record<string, unknown>>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.pending.push({ resolve, reject });
      this.socket.write(`${JSON.stringify({ execute: command, arguments: parameters })}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(text: string): void {
    this.received += text;
    const lines = this.received.split("\n");
    this.received = lines.pop() ?? "";
    for (const line of lines) this.dispatch(JSON.parse(line) as Answer);
  }

  /** Ignores the greeting and events, which are not answers. */
  private dispatch(answer: Answer): void {
    if (answer.QMP !== undefined || answer.event !== undefined) return;
    const request = this.pending.shift();
    if (answer.error !== undefined) request?.reject(new Error(`QEMU: ${answer.error.desc}`));
    else request?.resolve(answer.return);
  }
}

async function connectPatiently(path: string): Promise<Socket> {
  for (let attempt = 1; ; attempt += 1) {
    const socket = connect(path);
    const error = await new Promise<Error | null>((resolve) => {
      socket.once("connect", () => resolve(null)).once("error", resolve);
    });
    if (error === null) return socket;
    if (attempt === CONNECT_TRIES_MAX) throw error;
    await sleep(CONNECT_PAUSE_MS);
  }
}
