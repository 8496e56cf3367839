//! Runs that were kept: read back, compared, shown as text and as a page.

use super::compare::compare;
use super::environment::{Brokers, Client, Environment};
use super::page;
use super::run::{BrokerCpu, Delivery, FORM, Load, Results, Run};
use crate::output::Paint;
use load::latency::Latency;
use load::tally::Interval;
use serde_json::json;
use std::time::Duration;

fn times(us: u64) -> load::latency::Summary {
    let mut latency = Latency::new();
    for part in 1..=1000 {
        latency.record(Duration::from_micros(us * part / 500));
    }
    let mut summary = latency.summary();
    // JSON as it is read here may change the last bit of a fraction.
    for us in [
        &mut summary.p50_us,
        &mut summary.p90_us,
        &mut summary.p95_us,
        &mut summary.p99_us,
        &mut summary.p999_us,
        &mut summary.max_us,
    ] {
        *us = us.round();
    }
    summary
}

fn interval(end_s: f64, bytes: u64, p99_us: f64) -> Interval {
    Interval { end_s, requests: 10, bytes, p50_us: p99_us / 2.0, p99_us, max_us: p99_us * 2.0 }
}

fn sample() -> Run {
    let settings = json!({
        "topic": "orders", "acks": "all", "record_bytes": 1024, "rate": null
    });
    let addresses = [(1, "b:9092".to_owned())].into();
    Run {
        tidemill_bench: FORM,
        load: Load::Produce,
        date: "2026-11-24T10:00:00.000Z".to_owned(),
        complete: true,
        failure: None,
        settings: serde_json::from_value(settings).expect("an object"),
        environment: Environment {
            client: Client {
                version: "tidemill 0.1.0".to_owned(),
                host: "h".to_owned(),
                ..Client::default()
            },
            brokers: Brokers {
                bootstrap: "b:9092".to_owned(),
                cluster_id: Some("id".to_owned()),
                controller_id: 1,
                addresses,
                features: [("metadata.version".to_owned(), 29)].into(),
                produce_version: Some(13),
                fetch_version: Some(18),
            },
        },
        results: Results {
            seconds: 2.0,
            requests: 1000,
            records: 15_000,
            bytes: 16_000_000,
            requests_per_s: 500.0,
            records_per_s: 7500.0,
            mb_per_s: 8.0,
            latency: times(1000),
            intervals: vec![interval(1.0, 8_000_000, 1500.0), interval(2.0, 8_000_000, 1700.0)],
            ..Results::default()
        },
    }
}

#[test]
fn runs_come_back_as_they_were_kept() {
    let mut run = sample();
    run.results.delivery = Some(Delivery { latency: times(3000), ..Delivery::default() });
    run.results.broker_cpu = Some(BrokerCpu { total_s: 1.5, ..BrokerCpu::default() });
    let text = crate::output::json_text(&run);
    assert_eq!(Run::parse(&text), Ok(run));
    let refused = |text: &str, expected: &str| {
        let error = Run::parse(text).expect_err(expected);
        assert!(error.contains(expected), "{error}");
    };
    refused("{", "is not JSON");
    refused("[1]", "is not a run");
    refused("{\"tidemill_bench\": 2}", "is of form 2, this program knows form 1");
    refused("{\"tidemill_bench\": 1, \"load\": \"produce\"}", "is not whole: missing field");
}

#[test]
fn the_summary_says_it_all() {
    let mut run = sample();
    let text = run.text(Paint::NONE);
    for expected in [
        "load          produce orders, 2026-11-24T10:00:00.000Z\n",
        "target        b:9092: 1 broker, cluster id, metadata.version 29, Produce 13, Fetch 18\n",
        "measured      15,000 records, 1,000 requests in 2.00 s\n",
        "throughput    7,500 records/s, 8.00 MB/s, 500 requests/s\n",
        "latency       p50 1.00 ms, p95 1.90 ms, p99 1.98 ms, p99.9 2.00 ms, max 2.00 ms \
         (acknowledgement)\n",
        "errors        none\n",
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    assert!(!text.contains("broker CPU") && !text.contains("PARTIAL"), "{text}");

    run.failure = Some("partition 0 answered KAFKA_STORAGE_ERROR (56)".to_owned());
    run.results.errors = 1;
    run.results.never_sent = 7;
    run.results.broker_cpu = Some(BrokerCpu {
        total_s: 1.5,
        cores: 0.75,
        s_per_gb: Some(0.5),
        us_per_request: Some(12.3),
        resident_bytes: 3 << 20,
        ..BrokerCpu::default()
    });
    let text = run.text(Paint::NONE);
    for expected in [
        "PARTIAL, it broke off after 2.00 s: partition 0 answered KAFKA_STORAGE_ERROR (56)\n",
        "errors        1, see above; 7 requests were never sent",
        "broker CPU    1.50 s, 0.75 cores, 0.500 s/GB, 12.3 us/request, 3.00 MiB resident\n",
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
}

#[test]
fn two_runs_are_set_side_by_side() {
    let a = sample();
    let mut b = sample();
    b.results.records_per_s = 15_000.0;
    b.results.latency = times(500);
    b.results.broker_cpu =
        Some(BrokerCpu { s_per_gb: Some(0.5), cores: 0.5, ..BrokerCpu::default() });
    b.settings.insert("acks".to_owned(), json!("1"));
    b.settings.insert("in_flight".to_owned(), json!(5));
    b.failure = Some("it died".to_owned());
    let found = compare(["a.json".to_owned(), "b.json".to_owned()], &a, &b);
    let row = |metric: &str| found.rows.iter().find(|row| row.metric == metric).expect("a row");
    assert_eq!((row("records").a, row("records").b), (Some(7500.0), Some(15_000.0)));
    assert_eq!(row("records").ratio, Some(2.0));
    let p50 = row("latency p50").ratio.expect("both have it");
    assert!((p50 - 0.5).abs() < 0.01, "{p50}");
    assert_eq!((row("broker CPU").a, row("broker CPU").ratio), (None, None));
    assert!(found.rows.iter().all(|row| !row.metric.starts_with("delivery")));
    let unlike: Vec<&str> =
        found.differences.iter().map(|unlike| unlike.setting.as_str()).collect();
    assert_eq!(unlike, ["acks", "in_flight"]);
    assert_eq!(found.warnings, ["b.json is partial: it died"]);
    let text = found.text(Paint::NONE);
    for expected in ["A  a.json\nB  b.json\n", "NOT ALIKE", "7,500/s", "15,000/s  2.00\n"] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    assert!(text.contains("acks       all  1\n") && text.contains("in_flight  -    5\n"), "{text}");
    let alike = compare(["a".to_owned(), "b".to_owned()], &a, &a);
    assert!(alike.differences.is_empty() && alike.warnings.is_empty());
}

#[test]
fn the_page_holds_everything_and_asks_nobody() {
    let mut run = sample();
    run.settings.insert("topic".to_owned(), json!("</script><b>"));
    run.failure = Some("<gone>".to_owned());
    let html = page::render(&run);
    for expected in [
        "<title>tidemill bench produce &lt;/script&gt;&lt;b&gt;</title>",
        "Partial: the run broke off after 2.00 s: &lt;gone&gt;",
        ">latency by percentile</text>",
        ">throughput over time</text>",
        ">latency over time: acknowledgement</text>",
        "<tr><th>record_bytes</th><td>1024</td></tr>",
        "<tr><th>broker 1</th><td>b:9092, controller</td></tr>",
        "<td class=\"number\">1.98 ms</td>",
    ] {
        assert!(html.contains(expected), "{expected} in\n{html}");
    }
    assert_eq!(html.matches("</script>").count(), 1);
    for reach in ["http://", "https://", "src=", "href=", "@import", "url("] {
        assert!(!html.contains(reach), "{reach}");
    }
    let data = html.split("id=\"data\">").nth(1).and_then(|rest| rest.split("</script>").next());
    assert_eq!(Run::parse(data.expect("is there")), Ok(run));
}

#[test]
fn a_page_of_a_run_without_answers_has_no_charts() {
    let mut run = sample();
    run.results = Results::default();
    let html = page::render(&run);
    assert!(html.contains("<h2>Settings</h2>") && !html.contains("<svg"), "{html}");
    assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
}
