import { createServer } from "node:net";
import { numberOption } from "../report/number-option.ts";
import { refuse } from "../report/diagnostic.ts";

const DEBUG_PORT_DEFAULT = 1234;
const PORT_MAX = 65535;

/** The TCP port for a debugger, `asked` or the default. Refuses a port in use, before any build. */
export async function freeDebugPort(asked: string | undefined): Promise<number> {
  const port = asked === undefined ? DEBUG_PORT_DEFAULT : numberOption("--port", asked, 1);
  if (!Number.isInteger(port) || port > PORT_MAX)
    refuse(`there is no TCP port ${asked}`, { help: `1 to ${PORT_MAX}` });
  const problem = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    const server = createServer().once("error", resolve);
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(null)));
  });
  if (problem === null) return port;
  const isBusy = problem.code === "EADDRINUSE";
  const message = isBusy
    ? `port ${port} is in use`
    : `port ${port} cannot be had: ${problem.code ?? problem.message}`;
  const other = port === PORT_MAX ? DEBUG_PORT_DEFAULT : port + 1;
  return refuse(message, {
    help: `${isBusy ? "another machine may wait for gdb there: " : ""}take another, as in --port ${other}`,
  });
}
