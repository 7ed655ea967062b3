/** Condition codes by their x86 number. */
export enum Condition {
  Overflow = 0,
  NotOverflow = 1,
  Below = 2,
  AboveOrEqual = 3,
  Equal = 4,
  NotEqual = 5,
  BelowOrEqual = 6,
  Above = 7,
  Sign = 8,
  NotSign = 9,
  Less = 12,
  GreaterOrEqual = 13,
  LessOrEqual = 14,
  Greater = 15,
}

/** The condition that holds exactly if `condition` does not. */
export const inverted = (condition: Condition): Condition => (condition ^ 1) as Condition;

/** The condition of `cmp b, a` that holds exactly if `condition` holds of `cmp a, b`. */
export function swapped(condition: Condition): Condition {
  switch (condition) {
    case Condition.Below:
      return Condition.Above;
    case Condition.Above:
      return Condition.Below;
    case Condition.AboveOrEqual:
      return Condition.BelowOrEqual;
    case Condition.BelowOrEqual:
      return Condition.AboveOrEqual;
    case Condition.Less:
      return Condition.Greater;
    case Condition.Greater:
      return Condition.Less;
    case Condition.GreaterOrEqual:
      return Condition.LessOrEqual;
    case Condition.LessOrEqual:
      return Condition.GreaterOrEqual;
    default:
      return condition;
  }
}
