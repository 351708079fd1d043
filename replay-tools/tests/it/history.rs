//! `history` against real logs and journals: clean ones, and ones with exactly one thing wrong.

mod clients;
mod export;
mod journal;
mod own_journal;
mod read_models;
mod topic;
mod travel;
pub(crate) mod world;
