//! Counters of the running server, and their text form for Prometheus.

mod histogram;
mod text;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;

pub(crate) use histogram::Histogram;
pub(crate) use text::{CLASSES, Page, render};

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicI64);

impl Gauge {
    /// Counts one up until the answer is dropped.
    pub(crate) fn enter(&self) -> Entered<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(self)
    }

    pub(crate) fn value(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of those a [`Gauge`] counts.
pub(crate) struct Entered<'a>(&'a Gauge);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What one route has done.
#[derive(Debug, Default)]
pub(crate) struct RouteMetrics {
    /// Answers by the first digit of their status, from 1xx to 5xx.
    by_class: [Counter; 5],
    latency: Histogram,
}

/// All counters of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    routes: Box<[RouteMetrics]>,
    /// Requests being worked on.
    pub(crate) in_flight: Gauge,
    /// Open connections.
    pub(crate) connections: Gauge,
    /// Requests refused by the Host check.
    pub(crate) refused_hosts: Counter,
    /// Requests refused by the Origin check.
    pub(crate) refused_origins: Counter,
    /// Requests refused because too many waited, or waited too long.
    pub(crate) refused_load: Counter,
    /// Bytes of request bodies on the artifact routes.
    pub(crate) transfer_bytes_in: Counter,
    /// Bytes of answers on the artifact routes.
    pub(crate) transfer_bytes_out: Counter,
}

impl Metrics {
    pub(crate) fn new(routes: usize) -> Self {
        Self {
            routes: (0..routes).map(|_| RouteMetrics::default()).collect(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            refused_hosts: Counter::default(),
            refused_origins: Counter::default(),
            refused_load: Counter::default(),
            transfer_bytes_in: Counter::default(),
            transfer_bytes_out: Counter::default(),
        }
    }

    /// Notes an answer of the route with the index `route`.
    pub(crate) fn answered(&self, route: usize, status: StatusCode, took: Duration) {
        let metrics = &self.routes[route];
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        metrics.by_class[class].add(1);
        metrics.latency.observe(took);
    }
}
