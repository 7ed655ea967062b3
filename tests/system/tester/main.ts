// The kernel test image's slot 0: every case on the booted kernel, TAP on its log, the number of
// failures as exit code.

import { ObjectType } from "../../../kernel/abi/object";
import { request1 } from "../message";
import { finish } from "../tap";
import { callCases } from "./cases-call";
import { handleCases } from "./cases-handle";
import { lifeCases } from "./cases-life";
import { memoryCases } from "./cases-memory";
import { noticeCases } from "./cases-notice";
import { policyCases } from "./cases-policy";
import { OTHER_SLOT, PEER_SLOT, SYSTEM } from "./handles";
import { startSlot } from "./steps";

export function main(): void {
  startSlot(PEER_SLOT);
  startSlot(OTHER_SLOT);
  callCases();
  handleCases();
  noticeCases();
  memoryCases();
  policyCases();
  lifeCases();
  const failures = finish();
  request1(SYSTEM, ObjectType.System, 1, failures === 0 ? 0 : 1);
}
