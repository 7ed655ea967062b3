// Numbers of the interface Assistant (assistant.idl.ts); a test compares the two.

export const ASSISTANT: u32 = 0x7f0;

export enum Method {
  None, Add, Four, WhoCalls, SumArena, FillArena, Fail, Hold, Release, AnswerTwice, Forge, LastStatus, Crash, Exit, Spin, Take, Use, TakeEndpoint, CallTaken,
  Give, Noticed, ForwardTo, Forbidden, ForbiddenAnswer, Limited, Wide, WrongShape, Touch, Hoard, Counter,
}
