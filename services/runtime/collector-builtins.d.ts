// What asc writes into a program with a collector, for editors and type checks: it declares
// neither.

/** Calls `__visit` with each object that a variable of a module refers to. */
declare function __visit_globals(cookie: u32): void;
/** Calls `__visit` with each object that a field of `object` refers to. */
declare function __visit_members(object: usize, cookie: u32): void;
