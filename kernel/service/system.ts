import {
  SystemBootLineResponse,
  SystemMemoryResponse,
  SystemMethod,
  SystemShutdownRequest,
} from "../../build/generated/kernel/System";
import { KeyPurpose } from "../abi/blob";
import { Status } from "../abi/status";
import { availableFrames, totalFrames, usedByKernel } from "../memory/frames";
import { policySigner, policyVersion } from "../monitor/monitor";
import { powerOff, reboot } from "../x64/machine";
import { archiveBytes } from "../x64/memory-map";
import { MethodCall } from "./method-call";

export function systemMethod(method: u32, call: MethodCall): Status {
  switch (method) {
    case SystemMethod.Memory:
      return describeMemory(call);
    case SystemMethod.Shutdown:
      powerOff(SystemShutdownRequest.at(call.request).code);
      return Status.Ok;
    case SystemMethod.Reboot:
      reboot();
      return Status.Ok;
    case SystemMethod.BootLine:
      return bootLine(call);
    default:
      return Status.BadHeader;
  }
}

/** `freePages` are those that are not reserved for anything. */
function describeMemory(call: MethodCall): Status {
  const response = SystemMemoryResponse.at(call.response);
  response.totalPages = <u64>totalFrames();
  response.freePages = <u64>availableFrames();
  response.kernelPages = <u64>usedByKernel();
  response.imagePages = (archiveBytes() + 4095) >> 12;
  return Status.Ok;
}

function bootLine(call: MethodCall): Status {
  const text = call.text;
  text.appendLiteral("policy version ");
  text.appendNumber(policyVersion());
  text.appendLiteral(
    policySigner() === <u32>KeyPurpose.Release
      ? ", signed for release"
      : ", signed with the development key",
  );
  text.appendLiteral(", boot unanchored");
  SystemBootLineResponse.at(call.response).textLength = text.length;
  return Status.Ok;
}
