/** What the asker says after every thousand requests. */
interface Report {
  readonly requests: number;
  readonly pages: number;
  readonly collections: number;
  readonly lived: number;
  readonly pauseNs: number;
}

const FORM = /requests (\d+) pages (\d+) collections (\d+) lived (\d+) pause (\d+)/g;

/** The last report in the machine's output. */
export function readReport(output: string): Report {
  const found = [...output.matchAll(FORM)].at(-1);
  if (found === undefined) throw new Error(`no report in: ${output.slice(-300)}`);
  const [requests, pages, collections, lived, pauseNs] = found.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { requests, pages, collections, lived, pauseNs };
}
