//! CEL behind the policy's conditions, with a guard layer: names and types are checked when a policy is loaded, cost is
//! bounded, regexes are compiled once.
