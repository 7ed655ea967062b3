import {
  defineImage,
  interrupt,
  ports,
  type SlotDescription,
} from "../toolchain/vocabulary/image.ts";

/**
 * What the bencher measures: it starts and stops them by their numbers, which follow from the order
 * below.
 */
function measured(
  program: string,
  className: string,
  more: Partial<SlotDescription> = {},
): SlotDescription {
  return {
    program: `tests/bench/${program}`,
    class: className,
    priority: 100,
    quota: { pages: 100, handles: 16, threads: 1, objects: 16 },
    autostart: false,
    restart: "never",
    ...more,
  };
}

/**
 * Domains that wait: a round trip must not cost more beside them. Above the bencher's priority, so
 * that each has run and waits when its start returns.
 */
function crowd(count: number): Record<string, SlotDescription> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `crowd${index}`,
      measured("responder", "Responder", {
        priority: 110,
        quota: { pages: 40, handles: 16, threads: 1, objects: 16 },
      }),
    ]),
  );
}

/** What `make bench` boots: measures by itself and ends the machine. */
export default defineImage({
  name: "bench",
  version: 1,
  policy: ["tests/bench/bench.policy"],
  slots: {
    bencher: {
      program: "tests/bench/bencher",
      class: "Bencher",
      priority: 100,
      // As many handles as a domain may have: it fills its table.
      quota: { pages: 400, handles: 4095, threads: 1, objects: 16 },
      channels: {
        responder: "responder.own",
        relay: "relay.own",
        trigger: "trigger.own",
        answerer: "answerer.own",
        listener: "listener.own",
      },
      restart: "never",
    },
    responder: measured("responder", "Responder"),
    relay: measured("relay", "Relay", { channels: { responder: "responder.own" } }),
    driver: measured("driver", "BenchDriver", { priority: 110, devices: { line: interrupt(3) } }),
    trigger: measured("trigger", "Trigger", {
      channels: { driver: "driver.own" },
      devices: { registers: ports(0x2f8, 8) },
    }),
    lower: measured("spinner", "Spinner", { priority: 50 }),
    equal: measured("spinner", "Spinner"),
    answerer: measured("answerer", "Answerer"),
    listener: measured("listener", "Listener", { priority: 110 }),
    ...crowd(200),
  },
  onSupervisorLoop: "stop",
});
