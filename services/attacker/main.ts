// Tries the forbidden actions that the plan asks for. An action that ends this program was stopped;
// of the others, the program reports the outcome.

import {
  AttackPlanNextAttempt,
  AttackPlanReportOutcome,
} from "../../build/generated/interfaces/AttackPlan";
import { plan } from "../../build/generated/programs/attacker";
import { domain } from "../runtime/handles";
import { attempt } from "./attempts";
import { gained, result } from "./outcome";

/** A bound, in case the plan never finishes. */
const ATTEMPTS_MAX = 1000;

export function main(): void {
  for (let count = 0; count < ATTEMPTS_MAX; count++) {
    const next = plan.next();
    if (!next.ok) break;
    const kind = next.attempt;
    if (kind === AttackPlanNextAttempt.Finish) break;
    const isRefused = attempt(kind);
    plan.report(
      kind,
      isRefused ? AttackPlanReportOutcome.Refused : AttackPlanReportOutcome.Succeeded,
      result,
      gained,
    );
  }
  domain.exit(0);
}
