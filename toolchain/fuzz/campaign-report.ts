import type { CampaignResult } from "./campaign.ts";
import { levelsHere } from "./processor-level.ts";

const NOT_HERE = "this machine's processor does not have it";

/**
 * What integer modules of the target linux cannot reach, by name, with the reason. Everything else
 * that the back end declares must be reached.
 */
const UNREACHABLE: readonly (readonly [RegExp, string])[] = [
  [/^intrinsic /, "the target linux has none; every program of the image uses them"],
  [/^allocator: message word/, "only entry points of the kernel have words; kept-words.test.ts"],
  [/kernel/, "another target"],
  [/^multiply high$/, "no pass forms it yet"],
  [/^extend unsigned$/, "the operand's own register serves"],
  [/^load 32 bits signed$/, "counted as the load to i64"],
  [/^switch: default only$/, "construction makes a jump of it"],
  [/^global get: immutable$/, "construction puts the constant in its place"],
  ...(levelsHere().includes(2) ? [] : [[/: popcnt$/, NOT_HERE] as const]),
  ...(levelsHere().includes(3) ? [] : [[/: (lzcnt|tzcnt)$/, NOT_HERE] as const]),
];

export function mergeCampaigns(parts: readonly CampaignResult[]): CampaignResult {
  const sum = (pick: (part: CampaignResult) => number) =>
    parts.reduce((total, part) => total + pick(part), 0);
  return {
    functions: sum((part) => part.functions),
    calls: sum((part) => part.calls),
    modules: sum((part) => part.modules),
    differences: parts.flatMap((part) => part.differences),
    coverage: mergeCounts(parts.map((part) => part.coverage)),
    faults: mergeCounts(parts.map((part) => part.faults)),
  };
}

/** The campaign passes if nothing differs and everything that it can reach was reached. */
export function reportCampaign(campaign: CampaignResult): {
  readonly passed: boolean;
  readonly text: string;
} {
  const unreached = Object.entries(campaign.coverage)
    .filter(([name, hits]) => hits === 0 && !UNREACHABLE.some(([pattern]) => pattern.test(name)))
    .map(([name]) => name);
  const lines = [
    `${campaign.functions} functions in ${campaign.modules} modules, ${campaign.calls} calls compared`,
  ];
  lines.push(
    `faults: ${Object.entries(campaign.faults)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(", ")}`,
  );
  lines.push(
    "coverage:",
    ...Object.entries(campaign.coverage)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, hits]) => `  ${String(hits).padStart(9)}  ${name}`),
  );
  lines.push(
    "not reachable here:",
    ...UNREACHABLE.map(([pattern, reason]) => `  ${pattern.source}: ${reason}`),
  );
  for (const name of unreached) lines.push(`never reached: ${name}`);
  for (const difference of campaign.differences) lines.push(`DIFFERENCE ${difference}`);
  return {
    passed: campaign.differences.length === 0 && unreached.length === 0,
    text: `${lines.join("\n")}\n`,
  };
}

function mergeCounts(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const merged: Record<string, number> = {};
  for (const part of parts)
    for (const [name, count] of Object.entries(part)) merged[name] = (merged[name] ?? 0) + count;
  return merged;
}
