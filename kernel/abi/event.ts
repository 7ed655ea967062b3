/**
 * What happens that a policy can speak of. A call has a request, and then exactly one granted
 * response, granted error, or end. A rule is bound to some of the first three events, or to
 * `execute`.
 */
export enum Event {
  /** A caller's message on its way to the receiver. */
  Request = 0,
  /** The receiver's response on its way back. */
  Response = 1,
  /** An error response on its way back. */
  Error = 2,
  /** A program that is about to run as a class. */
  Execute = 3,
  /** A change of the policy itself. Not built: the number is reserved. */
  Security = 4,
  /**
   * A granted request got no response and no error: timeout, cancellation, the death of either
   * side, an answer that was denied, a call that was passed on. Not judged.
   */
  Ended = 5,
}
