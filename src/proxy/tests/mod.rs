//! Tests of routing, health and balancing together.

mod simulation;
