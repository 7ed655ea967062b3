import { AttackPlanNextAttempt as Attempt } from "../../build/generated/interfaces/AttackPlan";

/** What an attempt is, for people. */
export function attemptName(attempt: Attempt): string {
  switch (attempt) {
    case Attempt.DeniedCall: return "calls the supervisor, which no rule allows";
    case Attempt.DeniedKernelCall: return "tells the kernel to stop a domain";
    case Attempt.ShutdownMachine: return "switches the machine off";
    case Attempt.ForgedHandle: return "calls through made-up handles";
    case Attempt.StaleHandle: return "calls through a handle given back";
    case Attempt.WrongType: return "uses a handle as another object";
    case Attempt.WrongInterface: return "speaks another interface's language";
    case Attempt.ForgedToken: return "answers other people's calls";
    case Attempt.ForeignInbox: return "receives other people's messages";
    case Attempt.BadHeader: return "sends headers that mean nothing";
    case Attempt.BadLengths: return "sends impossible lengths";
    case Attempt.SmuggleHandle: return "slips a handle into a message";
    case Attempt.RecordOutside: return "a message that ends outside its memory";
    case Attempt.ArenaOutside: return "sends bytes that are not its own";
    case Attempt.AnswerOutside: return "has an answer put outside its memory";
    case Attempt.WidenRights: return "gives itself more rights";
    case Attempt.LoadNull: return "reads through a null reference";
    case Attempt.StoreNull: return "writes through a null reference";
    case Attempt.LoadKernel: return "reads the kernel's memory";
    case Attempt.StoreKernel: return "writes the kernel's memory";
    case Attempt.LoadFarthest: return "reads as far away as it can reach";
    case Attempt.CallOutsideTable: return "calls a function that does not exist";
    case Attempt.CallOtherSignature: return "calls a function as if it were another";
    case Attempt.PortRead: return "reads the serial port's registers";
    case Attempt.PortWrite: return "resets the machine by port 0x64";
    case Attempt.DivideByZero: return "divides by zero";
    case Attempt.ExhaustStack: return "recurses without end";
    case Attempt.ExhaustMemory: return "takes all memory";
    case Attempt.TouchBeyondQuota: return "touches more memory than is its share";
    case Attempt.ExhaustHandles: return "fills the handle table";
    case Attempt.ExhaustObjects: return "makes objects without end";
    case Attempt.ExhaustThreads: return "starts threads without end";
    default: return "nothing";
  }
}
