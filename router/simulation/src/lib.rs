//! Simulation of a workspace: an event heap over the engine that runs in production. It has no clock and no randomness of
//! its own: the seed is an argument.
