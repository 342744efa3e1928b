"""What the benchmarks of serving make of wrk's report and of rates. No test looks at a time."""

import pytest

from benchmarks.serving import describe
from benchmarks.wrk import Load, parse

REPORT = """Running 3s test @ http://127.0.0.1:8866/models/street/segment
  1 threads and 4 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   271.03ms   12.50ms 295.32ms   75.00%
    Req/Sec    14.00      5.16    20.00     60.00%
  Latency Distribution
     50%  271.20ms
     75%  280.11ms
     90%  290.02ms
     99%    1.20s
  44 requests in 3.01s, 120.00KB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 3
Requests/sec:     14.62
Transfer/sec:     39.87KB
"""


def test_a_report_of_wrk_is_read():
    load = parse(REPORT, 0.01)
    assert load == Load(14.62, pytest.approx(0.2712), 1.2, 44, 6, 0.01)


def test_shares_are_of_the_best_way_of_the_bare_engine():
    loads = {("ours", 1): [parse(REPORT, 0.01)], ("theirs", 1): [parse(REPORT, 0.02)]}
    text = describe("p.jpg", {"one": [10.0, 20.0, 15.0], "two": [14.62]}, loads, [1])
    assert "| 1 | 14.6/s (97%), 271 and 1200 ms | 14.6/s (97%), 271 and 1200 ms |" in text
    assert "makes 15.0 pictures/s" in text
    assert "Of 88 requests 12 failed" in text
