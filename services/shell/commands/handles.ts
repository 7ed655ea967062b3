import { SlotsHandleAtAnswer } from "../../../build/generated/interfaces/Slots";
import { slots } from "../../../build/generated/programs/shell";
import {
  ObjectType,
  RIGHT_BIND,
  RIGHT_CALL,
  RIGHT_CONTROL,
  RIGHT_COPY,
  RIGHT_MAP_READ,
  RIGHT_MAP_WRITE,
  RIGHT_MINT,
  RIGHT_RECEIVE,
  RIGHT_SEAL,
  RIGHT_SIGNAL,
  RIGHT_TRANSFER,
} from "../../../kernel/abi/object";
import { keep } from "../../runtime/message";
import { isInterrupted } from "../line/interrupt";
import { addInterfaceName, addSlotName, findSlot, NO_SLOT } from "../output/names";
import { bold, endLine, line } from "../output/print";
import { Words } from "../line/words";

/** The largest handle table. */
const HANDLES_MAX: u32 = 65536;

export function handles(words: Words): void {
  const slot = findSlot(words.at(1));
  if (slot === NO_SLOT) return;
  bold("INDEX  OBJECT      RIGHTS                  OF          INTERFACE     BADGE");
  endLine();
  let from: u32 = 0;
  let shown: u32 = 0;
  while (from < HANDLES_MAX && !isInterrupted()) {
    const found = keep(slots.handleAt(slot, from));
    if (!found.ok) break;
    show(found);
    from = found.index + 1;
    shown++;
  }
  line.number(shown).string(shown === 1 ? " handle" : " handles");
  endLine();
}

function show(handle: SlotsHandleAtAnswer): void {
  const type = handle.type;
  line.numberIn(5, handle.index).string("  ").string(typeName(type)).padTo(19);
  addRights(type, handle.rights);
  line.padTo(43);
  if (type === ObjectType.Endpoint) {
    addSlotName(handle.targetSlot, line).padTo(55);
    addInterfaceName(handle.interfaceId, line).padTo(69);
    if (handle.badge !== 0) line.hex(handle.badge);
  }
  endLine();
}

/** Adds what the holder may do with the handle, one word for each right. */
function addRights(type: u32, rights: u32): void {
  addRight(rights, RIGHT_CALL, "call");
  addRight(rights, RIGHT_TRANSFER, "send");
  addRight(rights, RIGHT_COPY, "copy");
  switch (type) {
    case ObjectType.Endpoint:
      addRight(rights, RIGHT_MINT, "mint");
      break;
    case ObjectType.Inbox:
      addRight(rights, RIGHT_RECEIVE, "recv");
      addRight(rights, RIGHT_BIND, "bind");
      break;
    case ObjectType.Notice:
      addRight(rights, RIGHT_SIGNAL, "signal");
      break;
    case ObjectType.Memory:
      addRight(rights, RIGHT_MAP_READ, "read");
      addRight(rights, RIGHT_MAP_WRITE, "write");
      addRight(rights, RIGHT_SEAL, "seal");
      break;
    case ObjectType.Slots:
      addRight(rights, RIGHT_CONTROL, "control");
  }
}

function addRight(rights: u32, right: u32, name: string): void {
  if ((rights & right) !== 0) line.string(name).string(" ");
}

function typeName(type: u32): string {
  switch (type) {
    case ObjectType.Domain:
      return "domain";
    case ObjectType.Memory:
      return "memory";
    case ObjectType.Inbox:
      return "inbox";
    case ObjectType.Endpoint:
      return "endpoint";
    case ObjectType.Notice:
      return "notice";
    case ObjectType.Thread:
      return "thread";
    case ObjectType.Interrupt:
      return "interrupt";
    case ObjectType.Ports:
      return "ports";
    case ObjectType.Clock:
      return "clock";
    case ObjectType.Audit:
      return "audit";
    case ObjectType.Policy:
      return "policy";
    case ObjectType.Slots:
      return "slots";
    case ObjectType.Log:
      return "log";
    case ObjectType.Trace:
      return "trace";
    case ObjectType.System:
      return "system";
    default:
      return "unknown";
  }
}
