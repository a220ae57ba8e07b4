//! The task that empties the outbox.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use modelyard_store::{Claim, Claimed, Outbox, Store};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Webhooks;

/// Attempts of one webhook at once: whoever hangs holds no more.
const WORKERS_EACH: usize = 4;
/// How often the outbox is looked into though nobody says that something is in it: other servers on the same
/// database do not say it here.
const POLL: Duration = Duration::from_secs(2);
/// Who puts something in says so before the end of its transaction: soon after, one looks a few times.
const LOOKS: [Duration; 5] = [
    Duration::from_millis(1),
    Duration::from_millis(4),
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(400),
];
/// The pause after a failure of the database.
const TROUBLE: Duration = Duration::from_secs(1);
/// How long a claim lasts beyond the time of an attempt: for noting its outcome.
const CLAIM_SPARE: Duration = Duration::from_secs(15);
/// How often noting an outcome is tried; then the delivery is made again when its claim has run out.
const NOTE_ATTEMPTS: u32 = 5;
/// How long attempts may go on when the server stops. Those that are cut off are made again.
const DRAIN: Duration = Duration::from_secs(10);
/// How often old entries of the log are removed, and how old they become.
const PRUNE_EVERY: Duration = Duration::from_secs(10 * 60);
const LOG_DAYS: i64 = 30;
/// Entries that are kept for each webhook, the waiting ones apart.
const LOG_ENTRIES: i64 = 10_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How many attempts each webhook has.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<HashMap<i64, usize>>>);

/// One attempt's place, given back in the end, come what may.
struct Place {
    webhook: i64,
    places: Places,
}

impl Places {
    fn enter(&self, webhook: i64) -> Place {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(webhook).or_default() += 1;
        Place { webhook, places: self.clone() }
    }

    /// The webhooks that have attempts, and how many.
    fn taken(&self) -> Vec<(i64, usize)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(webhook, count)| (*webhook, *count)).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.webhook) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.webhook);
            }
        }
    }
}

/// What the task works with.
struct Worker {
    webhooks: Arc<Webhooks>,
    store: Arc<Store>,
    outbox: Outbox,
    running: JoinSet<()>,
    places: Places,
}

impl Webhooks {
    /// Sends what is and comes into the outbox, until `stop`; then waits for a while for the attempts that are
    /// being made.
    pub async fn run(self: Arc<Self>, store: Arc<Store>, stop: CancellationToken) {
        if !self.settings.sends {
            return;
        }
        let outbox = store.outbox();
        let (running, places) = (JoinSet::new(), Places::default());
        let mut worker = Worker { webhooks: self, store, outbox, running, places };
        if let Err(error) = worker.store.free_lost_deliveries().await {
            tracing::warn!("the webhooks' outbox: {error}");
        }
        let pruning = worker.prune_again_and_again();
        tokio::select! {
            () = stop.cancelled() => {}
            () = worker.work() => {}
            () = pruning => {}
        }
        let rest = async { while worker.running.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, rest).await.is_err() {
            let seconds = DRAIN.as_secs();
            tracing::warn!(
                "some webhooks do not answer within {seconds} s; they are told again later"
            );
        }
    }
}

impl Worker {
    async fn work(&mut self) {
        let mut looks = LOOKS.iter();
        loop {
            let pause = match self.take_due().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!("the webhooks' outbox: {error}");
                    TROUBLE
                }
            };
            let pause = looks.next().map_or(pause, |look| pause.min(*look));
            tokio::select! {
                () = self.outbox.filled() => looks = LOOKS.iter(),
                Some(_) = self.running.join_next() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Begins the attempts that are due and have a place; returns when to look again.
    async fn take_due(&mut self) -> modelyard_store::Result<Duration> {
        loop {
            while self.running.try_join_next().is_some() {}
            let room = self.webhooks.settings.workers.saturating_sub(self.running.len());
            if room == 0 {
                return Ok(POLL);
            }
            let taken = self.places.taken();
            let full = taken.iter().filter(|(_, count)| *count >= WORKERS_EACH);
            let full = full.map(|(webhook, _)| *webhook).collect();
            let now_ms = self.webhooks.context.now_ms();
            // Reading first: a claim is a write, which costs a sync of the disk.
            match self.store.next_delivery_ms(full).await? {
                Some(due_ms) if due_ms <= now_ms => {}
                Some(due_ms) => {
                    let wait_ms = u64::try_from(due_ms - now_ms).unwrap_or(0);
                    return Ok(POLL.min(Duration::from_millis(wait_ms)));
                }
                None => return Ok(POLL),
            }
            let lasts = self.webhooks.settings.timeout + CLAIM_SPARE;
            let claim = Claim {
                mark: self.webhooks.context.uuid_hex(),
                until_ms: now_ms + i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX / 2),
                limit: room,
                limit_each: WORKERS_EACH,
                taken,
            };
            let claimed = self.store.claim_deliveries(claim).await?;
            if claimed.is_empty() {
                // Others were faster, or what was due has gone.
                return Ok(POLL.min(TROUBLE));
            }
            for claimed in claimed {
                self.begin(claimed);
            }
        }
    }

    fn begin(&mut self, claimed: Claimed) {
        let place = self.places.enter(claimed.webhook);
        let (webhooks, store) = (Arc::clone(&self.webhooks), Arc::clone(&self.store));
        self.running.spawn(async move {
            let attempt = webhooks.attempt(&claimed).await;
            for _ in 0..NOTE_ATTEMPTS {
                match store.record_delivery(claimed.clone(), attempt.clone()).await {
                    Ok(()) => break,
                    Err(error) => {
                        tracing::warn!("the outcome of a delivery is not noted yet: {error}");
                        tokio::time::sleep(TROUBLE).await;
                    }
                }
            }
            drop(place);
        });
    }

    /// Removes old entries of the log from time to time.
    fn prune_again_and_again(&self) -> impl Future<Output = ()> + use<> {
        let (webhooks, store) = (Arc::clone(&self.webhooks), Arc::clone(&self.store));
        async move {
            let mut last = Instant::now();
            loop {
                tokio::time::sleep(PRUNE_EVERY.saturating_sub(last.elapsed())).await;
                last = Instant::now();
                let before_ms = webhooks.context.now_ms() - LOG_DAYS * DAY_MS;
                while matches!(store.prune_deliveries(before_ms, LOG_ENTRIES).await, Ok(true)) {
                    // Others have something to write, too.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
}
