import { AttackPlanReportOutcome } from "../../../build/generated/interfaces/AttackPlan";
import { log, plan } from "../../../build/generated/programs/victim";
import { domain } from "../../../services/runtime/handles";
import { Text } from "../../../services/runtime/text";

export function main(): void {
  const answer = plan.report(0, AttackPlanReportOutcome.Refused, 0, 0);
  if (answer.ok) log.write(Text.withRoom(64).string("answered by a stranger"));
  domain.exit(0);
}
