/**
 * Types of kernel objects that a handle can name. The number is also that of the kernel interface
 * that such a handle is called by; an endpoint has an interface of its own.
 */
export enum ObjectType {
  None = 0,
  Domain = 1,
  Memory = 2,
  Inbox = 3,
  Endpoint = 4,
  Notice = 5,
  Thread = 6,
  Interrupt = 7,
  Ports = 8,
  Clock = 9,
  Audit = 10,
  Policy = 11,
  Slots = 12,
  Log = 13,
  Trace = 14,
  System = 15,
}

/** Interfaces below this number are the kernel's own. */
export const FIRST_PROGRAM_INTERFACE = 0x100;
/** The interface by which the kernel reports a fault to a slot's fault endpoint. */
export const FAULT_INTERFACE = 16;

// Rights. A derived handle never has more. Bits 0 to 7 mean the same for every type; from bit 8 on
// the meaning depends on the type.
/** Use the object: call an endpoint, call a kernel object's methods. */
export const RIGHT_CALL = 1 << 0;
/** Send the handle in a message. */
export const RIGHT_TRANSFER = 1 << 1;
/** Make further handles to the same object, with the same or fewer rights. */
export const RIGHT_COPY = 1 << 2;
/** Endpoint: mint handles with badges. */
export const RIGHT_MINT = 1 << 8;
/** Inbox: receive. */
export const RIGHT_RECEIVE = 1 << 8;
/** Inbox: bind endpoints, notices and interrupts to it. */
export const RIGHT_BIND = 1 << 9;
/** Notice: signal. */
export const RIGHT_SIGNAL = 1 << 8;
/** Memory: map to read, to write, and seal. */
export const RIGHT_MAP_READ = 1 << 8;
export const RIGHT_MAP_WRITE = 1 << 9;
export const RIGHT_SEAL = 1 << 10;
/** Slots: start and stop. Without this right, only describe. */
export const RIGHT_CONTROL = 1 << 8;
export const RIGHTS_ALL = 0x7fffffff;
