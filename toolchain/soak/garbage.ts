/** After a million requests that each make garbage, the server's memory has not grown. */
import { type ChildProcess, spawn } from "node:child_process";
import { bootMedium, buildImage } from "../make/build-image.ts";
import { QEMU_PROGRAM, qemuArguments } from "../run/machine.ts";
import type { Iteration } from "./slice.ts";

const REQUESTS = 1_000_000;
/**
 * A silence that a slow host cannot explain: a thousand requests take some 50 ms, the million less
 * than a minute on a busy host.
 */
const SILENCE_MS = 120_000;
const REPORT = /requests (\d+) pages (\d+) collections \d+ lived (\d+)/g;

export async function prepareGarbage(root: string): Promise<Iteration> {
  const built = await buildImage(
    { root, image: "garbage", medium: "kernel", release: false, without: undefined },
    "plain",
  );
  return async () => {
    const machine = spawn(
      QEMU_PROGRAM,
      qemuArguments({ boot: bootMedium(root, built), serial: "pipe" }),
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    try {
      await untilFlat(machine);
    } finally {
      machine.kill("SIGKILL");
    }
    return REQUESTS;
  };
}

/** Compares each report with the second. */
async function untilFlat(machine: ChildProcess): Promise<void> {
  let rest = "";
  let first: string | null = null;
  machine.stdout!.setEncoding("latin1");
  const output = machine.stdout!.iterator({ destroyOnReturn: false });
  while (true) {
    const { value, done } = await within(output.next(), SILENCE_MS);
    if (done === true) throw new Error(`the machine ended: ${rest.slice(-500)}`);
    rest += String(value);
    const end = rest.lastIndexOf("\n") + 1;
    for (const [, requests, pages, lived] of rest.slice(0, end).matchAll(REPORT)) {
      const held = `${pages} pages, ${lived} bytes live`;
      if (Number(requests) === 2000) first = held;
      if (first !== null && held !== first)
        throw new Error(`after ${requests} requests: ${held}; after 2000: ${first}`);
      if (Number(requests) >= REQUESTS) return;
    }
    rest = rest.slice(end);
  }
}

async function within<Result>(work: Promise<Result>, milliseconds: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`the machine says nothing for ${milliseconds / 1000} s`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
