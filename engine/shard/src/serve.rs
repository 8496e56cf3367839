//! Answering the other shards: one task takes their calls in order and starts each at once, so that
//! appends of one sender keep their order; what has to wait goes on in a task of its own.

use crate::call::{Answer, Call};
use crate::fetch::Hurry;
use crate::life::Step;
use crate::shard::Shard;
use engine_base::ShardId;
use engine_io::{Env, Queue};
use std::future::Future;
use std::rc::Rc;

impl<E: Env> Shard<E> {
    /// Serves the other shards as long as this one lives.
    pub(crate) async fn serve_peers(self: Rc<Self>) {
        loop {
            let (source, id, call) = self.peers.next_call().await;
            self.start_call(source, id, call);
        }
    }

    fn start_call(self: &Rc<Self>, source: ShardId, id: usize, call: Call) {
        let this = self.clone();
        match call {
            Call::Append { entries, acks } => {
                let results = self.append_for_peer(&entries, acks);
                self.answer_later(source, id, async move { Answer::Append(results.await) });
            }
            Call::Fetch { parts, limits, token } => {
                let hurry = Rc::new(Hurry::default());
                self.waiting_fetches.borrow_mut().insert((source, token), hurry.clone());
                self.answer_later(source, id, async move {
                    let fetched = this.fetch_here(&parts, limits, &hurry).await;
                    this.waiting_fetches.borrow_mut().remove(&(source, token));
                    Answer::Fetch(fetched)
                });
            }
            Call::FetchNow { token } => {
                let hurry = self.waiting_fetches.borrow().get(&(source, token)).cloned();
                if let Some(hurry) = hurry {
                    hurry.set();
                }
            }
            Call::Offsets(queries) => self.answer_later(source, id, async move {
                Answer::Offsets(this.offsets_here(queries).await)
            }),
            Call::DeleteRecords(wanted) => self.answer_later(source, id, async move {
                Answer::DeleteRecords(this.delete_records_here(wanted).await)
            }),
            Call::Sizes(wanted) => {
                self.peers.answer(source, id, Answer::Sizes(self.sizes_here(&wanted)));
            }
            Call::EpochEnd { partition, current_epoch, epoch } => {
                let end = self.epoch_end_here(partition, current_epoch, epoch);
                self.peers.answer(source, id, Answer::EpochEnd(end));
            }
            Call::Group { partition, call } => self.answer_later(source, id, async move {
                Answer::Group(this.group_here(partition, call).await)
            }),
            Call::Controller(call) => self.answer_later(source, id, async move {
                Answer::Controller(this.control_here(call).await)
            }),
            Call::Image(image) => self.answer_later(source, id, async move {
                this.follow(image).await;
                Answer::Done
            }),
            // Told, not asked: nobody waits for an answer.
            Call::Life(step @ (Step::Recovered | Step::Drained | Step::Failed)) => {
                self.note_step(step)
            }
            Call::Life(step) => self.env.clone().spawn(Queue::Net, async move {
                let answer = this.live_here(step).await;
                this.peers.answer(source, id, answer);
                if step == Step::Close {
                    this.finish();
                }
            }),
        }
    }

    fn answer_later(
        self: &Rc<Self>,
        source: ShardId,
        id: usize,
        answer: impl Future<Output = Answer> + 'static,
    ) {
        let peers = self.peers.clone();
        self.env.spawn(Queue::Net, async move {
            let answer = answer.await;
            peers.answer(source, id, answer);
        });
    }
}
