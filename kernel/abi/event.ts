/** What the monitor judges. A rule is bound to some of the first three events, or to `execute`. */
export enum Event {
  /** A caller's message on its way to the receiver. */
  Request = 0,
  /** The receiver's response on its way back. */
  Response = 1,
  /** An error response on its way back. */
  Error = 2,
  /** A program that is about to run as a class. */
  Execute = 3,
}
