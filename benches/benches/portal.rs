//! What a call of a portal costs on a store in memory: the desk's own share, without a disk.

use bsm::SubmitRequest;
use bsm::view::{Query, WorkListing};
use bsm_bench::Bench;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tokio::runtime::Runtime;

fn portal(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime can be started");
    let mut group = criterion.benchmark_group("portal");
    // The same call at two sizes, side by side: a page and a summary must not cost more on the larger desk.
    for rows in [1_000, 10_000] {
        let bench = runtime.block_on(Bench::on("memory:")).expect("an empty desk takes its first rows");
        let requests = runtime.block_on(bench.fill(rows)).expect("a desk takes requests");
        let one = requests[rows / 2].id;
        let page = Query::of(WorkListing::All);
        group.bench_with_input(BenchmarkId::new("get", rows), &one, |bencher, id| {
            bencher.to_async(&runtime).iter(|| bench.admin.request(*id));
        });
        group.bench_with_input(BenchmarkId::new("page of 50", rows), &page, |bencher, page| {
            bencher.to_async(&runtime).iter(|| bench.admin.unified(page));
        });
        group.bench_function(BenchmarkId::new("summary", rows), |bencher| {
            bencher.to_async(&runtime).iter(|| bench.admin.summary());
        });
        group.bench_function(BenchmarkId::new("submit request", rows), |bencher| {
            bencher.to_async(&runtime).iter(|| bench.customer.submit_request(SubmitRequest::new(bench.service.id)));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = portal
}
criterion_main!(benches);
