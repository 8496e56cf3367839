//! The pump: the loop of a shard's thread. It has ready tasks run, gives the kernel what they pushed,
//! wakes whom completions concern, answers the bell, fires timers, and sleeps when there is nothing:
//! inside the same system call that submits, until something completes. Nothing polls.
//!
//! No wake-up is lost. Completions end the sleep by themselves. Another thread rings the bell, and a
//! bell that announced itself as parked is rung by a write to its eventfd, of which a read always
//! stands on the ring. After the announcement the pump looks once more at what other threads may
//! have left.

use super::bell::ShardBell;
use super::ring::Ring;
use super::shard::Shard;

/// Runs the shard until `has_ended`, asked after each round of tasks, says so. `arrived` tells the
/// mail's receivers to look.
pub(super) fn run(
    shard: &Shard,
    bell: &ShardBell,
    arrived: impl Fn(),
    has_ended: impl Fn() -> bool,
) {
    let ring: &Ring = &shard.ring;
    loop {
        shard.begin_round();
        if bell.answer() {
            arrived();
            shard.look_for_stop();
        }
        shard.timers.fire();
        shard.executor.run_ready();
        if has_ended() {
            break;
        }
        if shard.executor.has_ready() {
            ring.turn();
            continue;
        }
        if let Some(at) = shard.timers.earliest() {
            ring.arm(at);
        }
        ring.watch(bell.fd());
        if bell.park() && !shard.executor.has_ready() {
            ring.turn_or_sleep();
        } else {
            ring.turn();
        }
        bell.unpark();
    }
}
