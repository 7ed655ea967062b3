/**
 * Permissions that a class may hold over objects of another class. What they allow outlives a
 * message. The policy names them in lower case with underscores.
 */
export enum Permission {
  /** Send a handle to the object in a message. */
  Transfer = 0,
  /** Map the memory to read. */
  MapRead = 1,
  /** Map the memory to write. */
  MapWrite = 2,
  /** Set bits of the notice. */
  Signal = 3,
  /** Bind the notice, interrupt or timer to an inbox. */
  Bind = 4,
  /** Use the ports with `in` and `out`. */
  Ports = 5,
  /** Make further handles to the object. */
  Copy = 6,
  /** Seal the memory, so that it may become a program. */
  Seal = 7,
}
export const PERMISSIONS = 8;
