import { Status } from "../abi/status";
import { availableFrames, totalFrames, usedByKernel } from "../memory/frames";
import { policySigner, policyVersion } from "../monitor/monitor";
import { KeyPurpose } from "../abi/blob";
import { powerOff, reboot } from "../x64/machine";
import { archiveBytes } from "../x64/memory-map";
import { appendLiteral, appendNumber, argument32, give, giveBuiltText } from "./method-frame";

export function systemMethod(method: u32): Status {
  switch (method) {
    case 0:
      return memoryMethod();
    case 1:
      powerOff(argument32(0));
      return Status.Ok;
    case 2:
      reboot();
      return Status.Ok;
    default:
      return bootLine();
  }
}

/** Free pages are those that nothing is reserved for. */
function memoryMethod(): Status {
  give(<u64>totalFrames());
  give(<u64>availableFrames());
  give(<u64>usedByKernel());
  give((archiveBytes() + 4095) >> 12);
  return Status.Ok;
}

function bootLine(): Status {
  appendLiteral("policy version ");
  appendNumber(policyVersion());
  appendLiteral(
    policySigner() === <u32>KeyPurpose.Release
      ? ", signed for release"
      : ", signed with the development key",
  );
  appendLiteral(", boot unanchored");
  giveBuiltText();
  return Status.Ok;
}
