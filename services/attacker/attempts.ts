import { AttackPlanNextAttempt as Attempt } from "../../build/generated/interfaces/AttackPlan";
import { begin } from "./outcome";
import * as arguments_ from "./wild-arguments";
import * as calls from "./forbidden-calls";
import * as exhaustion from "./exhaustion";
import * as faults from "./faults";

/**
 * Makes one attempt. True if it was refused, false if it succeeded. An attempt that ends in a fault
 * does not return.
 */
export function attempt(kind: Attempt): bool {
  begin();
  switch (kind) {
    case Attempt.DeniedCall:
      return calls.deniedCall();
    case Attempt.DeniedKernelCall:
      return calls.deniedKernelCall();
    case Attempt.ShutdownMachine:
      return calls.shutdownMachine();
    case Attempt.ForgedHandle:
      return calls.forgedHandle();
    case Attempt.StaleHandle:
      return calls.staleHandle();
    case Attempt.WrongType:
      return calls.wrongType();
    case Attempt.WrongInterface:
      return calls.wrongInterface();
    case Attempt.ForgedToken:
      return calls.forgedToken();
    case Attempt.ForeignInbox:
      return calls.foreignInbox();
    case Attempt.WidenRights:
      return calls.widenRights();
    case Attempt.BadHeader:
      return arguments_.badHeader();
    case Attempt.BadLengths:
      return arguments_.badLengths();
    case Attempt.SmuggleHandle:
      return arguments_.smuggleHandle();
    case Attempt.RecordOutside:
      return arguments_.recordOutside();
    case Attempt.ArenaOutside:
      return arguments_.arenaOutside();
    case Attempt.AnswerOutside:
      return arguments_.answerOutside();
    case Attempt.LoadNull:
      return faults.loadNull();
    case Attempt.StoreNull:
      return faults.storeNull();
    case Attempt.LoadKernel:
      return faults.loadKernel();
    case Attempt.StoreKernel:
      return faults.storeKernel();
    case Attempt.LoadFarthest:
      return faults.loadFarthest();
    case Attempt.CallOutsideTable:
      return faults.callOutsideTable();
    case Attempt.CallOtherSignature:
      return faults.callOtherSignature();
    case Attempt.PortRead:
      return faults.portRead();
    case Attempt.PortWrite:
      return faults.portWrite();
    case Attempt.DivideByZero:
      return faults.divideByZero();
    case Attempt.ExhaustStack:
      return faults.exhaustStack();
    case Attempt.ExhaustMemory:
      return exhaustion.exhaustMemory();
    case Attempt.TouchBeyondQuota:
      return exhaustion.touchBeyondQuota();
    case Attempt.ExhaustHandles:
      return exhaustion.exhaustHandles();
    case Attempt.ExhaustObjects:
      return exhaustion.exhaustObjects();
    case Attempt.ExhaustThreads:
      return exhaustion.exhaustThreads();
    default:
      return true;
  }
}
