/**
 * Whether a slot's quotas let its program start, by the kernel's own count: kernel/domain/fit.ts. A
 * test compares the two.
 */
import {
  DOMAIN_REGION_BYTES,
  PAGE_BYTES,
  STACK_GUARD_BYTES,
} from "../../kernel/abi/address-space.ts";
import { ObjectType } from "../../kernel/abi/object.ts";
import { HANDLE_INDEX_FIRST_NAMED } from "../../kernel/abi/system-call.ts";
import type { InitialHandle, ProgramNeeds } from "./model.ts";

/** The domain's top page table, and the three below it that its region takes. */
const TABLE_PAGES = 4;
/** The first thread, and the first page of its stack. */
const THREAD_PAGES = 2;
/** The bitmap of ports, if the slot has any. */
const PORT_PAGES = 2;
const HANDLES_PER_PAGE = 64;

/** Pages that an instance has been charged when its first instruction has pushed something. */
export function pagesToStart(needs: ProgramNeeds, handles: readonly InitialHandle[]): number {
  const ports = handles.some(({ type }) => type === ObjectType.Ports) ? PORT_PAGES : 0;
  return (
    TABLE_PAGES +
    THREAD_PAGES +
    ports +
    needs.readOnlyPages +
    Math.ceil((HANDLE_INDEX_FIRST_NAMED + handles.length) / HANDLES_PER_PAGE)
  );
}

/**
 * How many stacks, each with a guard below it and one above all, fit behind the program's code in
 * the domain's region.
 */
export function threadsThatFit({
  regionBytes,
  stackBytes,
  threadBlockBytes,
}: ProgramNeeds): number {
  const span = Math.ceil((stackBytes + threadBlockBytes) / PAGE_BYTES) * PAGE_BYTES;
  return Math.max(
    0,
    Math.floor(
      (DOMAIN_REGION_BYTES - regionBytes - STACK_GUARD_BYTES) / (span + STACK_GUARD_BYTES),
    ),
  );
}
