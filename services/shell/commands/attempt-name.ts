import { AttackPlanNextAttempt as Attempt } from "../../../build/generated/interfaces/AttackPlan";

/** What an attempt does, in words. */
export function attemptName(attempt: Attempt): string {
  switch (attempt) {
    case Attempt.DeniedCall:
      return "calls the supervisor, which no rule allows";
    case Attempt.DeniedKernelCall:
      return "tells the kernel to stop a domain";
    case Attempt.ShutdownMachine:
      return "switches the machine off";
    case Attempt.ForgedHandle:
      return "calls through made-up handles";
    case Attempt.StaleHandle:
      return "calls through a handle given back";
    case Attempt.WrongType:
      return "uses a handle as another object";
    case Attempt.WrongInterface:
      return "calls methods of another interface";
    case Attempt.ForgedToken:
      return "answers calls to other domains";
    case Attempt.ForeignInbox:
      return "receives messages to other domains";
    case Attempt.BadHeader:
      return "sends headers without a meaning";
    case Attempt.BadLengths:
      return "sends impossible lengths";
    case Attempt.SmuggleHandle:
      return "hides a handle in a message";
    case Attempt.RecordOutside:
      return "sends a message from outside its memory";
    case Attempt.ArenaOutside:
      return "sends bytes that are not its own";
    case Attempt.AnswerOutside:
      return "asks for an answer outside its memory";
    case Attempt.WidenRights:
      return "gives itself more rights";
    case Attempt.LoadNull:
      return "reads through a null reference";
    case Attempt.StoreNull:
      return "writes through a null reference";
    case Attempt.LoadKernel:
      return "reads the kernel's memory";
    case Attempt.StoreKernel:
      return "writes the kernel's memory";
    case Attempt.LoadFarthest:
      return "reads as far away as it can reach";
    case Attempt.CallOutsideTable:
      return "calls a function that does not exist";
    case Attempt.CallOtherSignature:
      return "calls a function as if it were another";
    case Attempt.PortRead:
      return "reads the serial port's registers";
    case Attempt.PortWrite:
      return "resets the machine by port 0x64";
    case Attempt.DivideByZero:
      return "divides by zero";
    case Attempt.ExhaustStack:
      return "recurses without end";
    case Attempt.ExhaustMemory:
      return "takes all memory";
    case Attempt.TouchBeyondQuota:
      return "touches more memory than is its share";
    case Attempt.ExhaustHandles:
      return "fills the handle table";
    case Attempt.ExhaustObjects:
      return "makes objects without end";
    case Attempt.ExhaustThreads:
      return "starts threads without end";
    default:
      return machineCodeName(attempt);
  }
}

/** The same for the attempts of the intruder. */
function machineCodeName(attempt: Attempt): string {
  switch (attempt) {
    case Attempt.ExecuteStack:
      return "runs what it wrote on its stack";
    case Attempt.ExecuteMemory:
      return "runs what it wrote into its memory";
    case Attempt.ExecuteConstants:
      return "runs its constants";
    case Attempt.WriteCode:
      return "changes its own code";
    case Attempt.WriteConstants:
      return "changes its constants";
    case Attempt.ReadKernelImage:
      return "reads the kernel's code";
    case Attempt.WriteKernelImage:
      return "changes the kernel's code";
    case Attempt.RunKernelImage:
      return "jumps into the kernel's code";
    case Attempt.ReadKernelMemory:
      return "reads the kernel's tables";
    case Attempt.WriteKernelMemory:
      return "changes the kernel's tables";
    case Attempt.RunKernelMemory:
      return "jumps into the kernel's tables";
    case Attempt.ReadPhysicalMemory:
      return "reads physical memory";
    case Attempt.WritePhysicalMemory:
      return "writes physical memory";
    case Attempt.RunPhysicalMemory:
      return "jumps into physical memory";
    case Attempt.ReadNowhere:
      return "reads at a non-canonical address";
    case Attempt.RunNowhere:
      return "jumps to a non-canonical address";
    case Attempt.PushOnKernelStack:
      return "pushes with its stack in the kernel";
    case Attempt.FaultWithoutStack:
      return "faults without a valid stack";
    case Attempt.FarReturnToKernel:
      return "returns far, into the kernel's segment";
    case Attempt.FarReturnToLegacy:
      return "returns far, into a 32-bit segment";
    case Attempt.InterruptReturnToKernel:
      return "returns from an interrupt into the kernel";
    case Attempt.LoadKernelSegment:
      return "loads the kernel's data segment";
    case Attempt.SystemReturn:
      return "returns from a system call as the kernel";
    case Attempt.SystemEnter:
      return "enters by `sysenter`";
    case Attempt.InterruptSystemCall:
      return "raises interrupt 0x80";
    case Attempt.InterruptPageFault:
      return "raises a page fault with its own story";
    case Attempt.InterruptTimer:
      return "raises the timer's interrupt";
    case Attempt.InterruptDouble:
      return "raises a double fault";
    case Attempt.DebugTrap:
      return "raises a debug trap";
    case Attempt.Halt:
      return "halts the processor";
    case Attempt.DisableInterrupts:
      return "switches interrupts off";
    case Attempt.EnableInterrupts:
      return "switches interrupts on";
    case Attempt.ReadPageTables:
      return "asks where its page tables are";
    case Attempt.WritePageTables:
      return "installs page tables of its own";
    case Attempt.LiftWriteProtection:
      return "lifts write protection";
    case Attempt.LiftFences:
      return "lifts SMEP, SMAP and UMIP";
    case Attempt.SetBreakpoint:
      return "changes the debug registers";
    case Attempt.ReadModelRegister:
      return "asks where the kernel is entered";
    case Attempt.WriteModelRegister:
      return "moves where the kernel is entered";
    case Attempt.LoadSegmentTable:
      return "installs a segment table";
    case Attempt.LoadInterruptTable:
      return "installs an interrupt table";
    case Attempt.FindSegmentTable:
      return "asks where the segment table is";
    case Attempt.InvalidatePage:
      return "invalidates a page translation";
    case Attempt.DropCaches:
      return "throws the caches away";
    case Attempt.SwapBase:
      return "swaps the kernel's base register in";
    case Attempt.WriteThreadBase:
      return "points its thread block into the kernel";
    case Attempt.UseVectors:
      return "uses registers that the kernel does not save";
    case Attempt.ReadPort:
      return "reads a serial port's register";
    case Attempt.WritePort:
      return "resets the machine by port 0x64";
    case Attempt.WritePortWide:
      return "talks to the PCI bus";
    case Attempt.WritePortString:
      return "writes a row of bytes to a port";
    case Attempt.RaiseIoPrivilege:
      return "gives itself all ports and interrupts";
    case Attempt.StepItself:
      return "single-steps itself";
    case Attempt.UnknownOperations:
      return "makes system calls that do not exist";
    case Attempt.GarbageCalls:
      return "makes calls with garbage in all registers";
    case Attempt.WildRecords:
      return "sends messages from arbitrary addresses";
    case Attempt.WildStacks:
      return "makes calls with arbitrary stack pointers";
    case Attempt.WildFlags:
      return "makes a call with every flag set";
    case Attempt.StepIntoKernel:
      return "single-steps into the kernel";
    case Attempt.UseCoprocessor:
      return "uses the floating-point registers";
    case Attempt.UseProtectionKeys:
      return "changes its protection keys";
    case Attempt.Breakpoint:
      return "raises a breakpoint";
    case Attempt.ReadCounters:
      return "reads performance counters";
    case Attempt.WaitForWrite:
      return "has the processor watch an address";
    case Attempt.SwitchPageTables:
      return "switches page tables as a guest";
    case Attempt.MarkSegments:
      return "leaves marks in the segment registers";
    case Attempt.ReadLeftovers:
      return "reads what other domains left in registers";
    case Attempt.ReadUnbackedMemory:
      return "reads kernel memory that is not there";
    case Attempt.ReadBeyondMemory:
      return "reads physical memory beyond its end";
    default:
      return "nothing";
  }
}
