import { slots } from "../../build/generated/programs/shell";
import { ObjectType, RIGHT_CALL, RIGHT_COPY, RIGHT_TRANSFER } from "../../kernel/abi/object";
import { addInterfaceName, addSlotName, findSlot, NO_SLOT } from "./names";
import { bold, endLine, line } from "./output";
import { Words } from "./words";

/** A handle table has no more. */
const HANDLES_MAX: u32 = 65536;

export function handles(words: Words): void {
  const slot = findSlot(words.at(1));
  if (slot == NO_SLOT) return;
  bold("INDEX  OBJECT      RIGHTS    OF            INTERFACE     BADGE");
  endLine();
  let from: u32 = 0;
  let shown: u32 = 0;
  while (from < HANDLES_MAX) {
    const found = slots.handleAt(slot, from);
    if (!found.ok) break;
    const index = found.index;
    show(index, found.type, found.rights, found.targetSlot, found.interfaceId, found.badge);
    from = index + 1;
    shown++;
  }
  line.number(shown).string(shown == 1 ? " handle" : " handles");
  endLine();
}

function show(index: u32, type: u32, rights: u32, owner: u32, interfaceId: u32, badge: u64): void {
  line.numberIn(5, index).string("  ").string(typeName(type)).padTo(19);
  line.byte((rights & RIGHT_CALL) != 0 ? 0x63 : 0x2d);
  line.byte((rights & RIGHT_TRANSFER) != 0 ? 0x74 : 0x2d);
  line.byte((rights & RIGHT_COPY) != 0 ? 0x6d : 0x2d);
  line.byte(0x20).hex(rights >> 8).padTo(29);
  if (type == ObjectType.Endpoint) {
    addSlotName(owner, line).padTo(43);
    addInterfaceName(interfaceId, line).padTo(57);
    if (badge != 0) line.hex(badge);
  }
  endLine();
}

export function typeName(type: u32): string {
  switch (type) {
    case ObjectType.Domain: return "domain";
    case ObjectType.Memory: return "memory";
    case ObjectType.Inbox: return "inbox";
    case ObjectType.Endpoint: return "endpoint";
    case ObjectType.Notice: return "notice";
    case ObjectType.Thread: return "thread";
    case ObjectType.Interrupt: return "interrupt";
    case ObjectType.Ports: return "ports";
    case ObjectType.Clock: return "clock";
    case ObjectType.Audit: return "audit";
    case ObjectType.Policy: return "policy";
    case ObjectType.Slots: return "slots";
    case ObjectType.Log: return "log";
    case ObjectType.Trace: return "trace";
    case ObjectType.System: return "system";
    default: return "unknown";
  }
}
