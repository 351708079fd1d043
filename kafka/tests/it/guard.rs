//! The guard refuses topics that could harm history, stops writes to those that become so, and says how to mend them.

mod harm;
mod mirror;
mod opening;
mod settings;
