import { decodeModule } from "../wasm/decode.ts";
import { readSourceMap, type SourcePosition } from "../wasm/source-map.ts";
import type { FunctionBody } from "../wasm/types.ts";

/**
 * Where each instruction of a module comes from. asc gives some instructions no position, calls of
 * imports among them. Such an instruction takes the position of the nearest instruction before it
 * in its function that has one, or else of the nearest after it, so that every return address has a
 * line.
 */
export function sourcePositions(
  wasm: Uint8Array,
  sourceMap: string,
  name: string,
): (origin: number) => SourcePosition | null {
  const exact = readSourceMap(sourceMap);
  const { bodies } = decodeModule(wasm, name);
  const nearest = new Map<number, SourcePosition | null>();
  return (origin) => {
    const position = exact(origin);
    if (position !== null || origin < 0) return position;
    let found = nearest.get(origin);
    if (found === undefined) {
      found = nearestInBody(exact, bodyAround(bodies, origin), origin);
      nearest.set(origin, found);
    }
    return found;
  };
}

function nearestInBody(
  exact: (origin: number) => SourcePosition | null,
  body: FunctionBody | null,
  origin: number,
): SourcePosition | null {
  if (body === null) return null;
  for (let at = origin - 1; at >= body.start; at--) {
    const position = exact(at);
    if (position !== null) return position;
  }
  for (let at = origin + 1; at < body.end; at++) {
    const position = exact(at);
    if (position !== null) return position;
  }
  return null;
}

/** Bodies ascend by offset. */
function bodyAround(bodies: readonly FunctionBody[], origin: number): FunctionBody | null {
  let low = 0;
  let high = bodies.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bodies[middle]!.start <= origin) low = middle + 1;
    else high = middle;
  }
  const body = bodies[low - 1];
  return body !== undefined && origin < body.end ? body : null;
}
