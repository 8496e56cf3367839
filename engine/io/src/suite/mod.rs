//! The test suite that every backend passes: generic functions over `E: Env` that need nothing else.
//! A backend provides a function `run(name, shards, main)` that makes an empty directory for the
//! test, runs `main(env, mail, directory)` on each shard until all have returned, and panics if one
//! panicked; then `environment_suite!(run)` makes the tests.

pub(crate) mod files;
pub(crate) mod shards;
pub(crate) mod sockets;

use crate::env::{Env, Listener, Queue};
use futures_util::future::{Either, select};
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

/// What the suite sends between shards.
pub(crate) type Message = u64;

/// A test for each function of the suite, run by `$run`.
macro_rules! environment_suite {
    ($run:path) => {
        $crate::suite::environment_suite! { @tests $run;
            1 files::cached_files_are_written_and_read,
            1 files::sizes_are_cut_and_extended,
            1 files::direct_files_are_written_and_read,
            1 files::many_direct_writes_are_under_way_at_once,
            1 files::modes_of_opening_are_kept,
            1 files::directories_are_made_listed_and_removed,
            1 files::whole_files_are_replaced,
            1 files::dropped_operations_do_no_harm,
            1 sockets::bytes_come_back,
            1 sockets::many_connections_echo,
            1 sockets::a_slow_reader_gets_everything,
            1 sockets::the_end_of_a_stream_is_seen,
            1 sockets::shutdown_ends_what_waits,
            1 sockets::nobody_listens,
            1 sockets::dropped_streams_do_no_harm,
            1 sockets::an_accept_may_be_dropped,
            1 shards::time_passes_and_sleepers_wake_in_order,
            1 shards::tasks_run_in_all_queues,
            1 shards::chance_differs,
            3 shards::shards_know_who_they_are,
            3 shards::mail_storms_lose_nothing,
            2 shards::a_full_ring_makes_the_sender_wait,
            3 shards::sleeping_shards_are_woken,
            2 shards::shards_talk_over_sockets,
        }
    };
    (@tests $run:path; $($shards:literal $module:ident::$name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                $run(stringify!($name), $shards, $crate::suite::$module::$name);
            }
        )*
    };
}
pub(crate) use environment_suite;

/// Longer than anything here takes on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The result of `future`, or a panic that names it if it takes too long.
pub(crate) async fn in_time<E: Env, T>(env: &E, what: &str, future: impl Future<Output = T>) -> T {
    match select(pin!(future), pin!(env.sleep(PATIENCE))).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => panic!("{what} took longer than {PATIENCE:?}"),
    }
}

/// Polls once; whether it is finished.
pub(crate) async fn poll_once(mut future: Pin<&mut impl Future>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

/// A listener on a free port of this machine.
pub(crate) fn listen<E: Env>(env: &E) -> (E::Listener, SocketAddr) {
    let listener = env.listen("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let address = listener.local();
    assert_ne!(address.port(), 0);
    (listener, address)
}

/// Runs `future` as a task of its own and waits for its result.
pub(crate) async fn spawned<E: Env, T: 'static>(
    env: &E,
    queue: Queue,
    future: impl Future<Output = T> + 'static,
) -> T {
    let (sender, receiver) = crate::sync::oneshot();
    env.spawn(queue, async move { sender.send(future.await) });
    receiver.await.expect("the task runs to its end")
}

/// Bytes that differ from place to place.
pub(crate) fn pattern(seed: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|index| u8::try_from((index * 31 + seed * 17 + index / 251) % 256).expect("a byte"))
        .collect()
}
