//! Counting without getting in the way: cells that one worker writes and the scrape sums.
//!
//! A request touches only its own worker's [`BackendCells`], [`WorkerCells`] and [`CacheCells`],
//! by plain loads and stores: no locked instruction, no shared cache line, no allocation. Whoever
//! wants to know (a scrape, the table) asks [`BackendMetrics::totals`] and pays for the sum.
//!
//! This module does not know who counts. Names and help texts stand in [`names`] once; the
//! exposition and the reference page are both made from them.

mod backend;
mod cache;
mod cell;
mod cells;
mod exposition;
mod histogram;
pub mod names;
mod process;
mod totals;

pub use backend::{BackendMetrics, Downtime};
pub use cache::{CacheCells, CacheMetrics, CacheResult, CacheSample, FillEnd, StoreOperation};
pub use cells::{BackendCells, Finished, WorkerCells};
pub use exposition::{BackendSample, Format, Scrape, exposition};
pub use histogram::{BOUNDS, Distribution};
pub use names::reference;
pub use process::{ProcessFigures, ProcessMetrics, ProcessSample};
pub use totals::Totals;
